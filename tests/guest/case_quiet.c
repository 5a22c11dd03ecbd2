// SPDX-License-Identifier: GPL-2.0-only
/*
 * quiet: who is kept off the CPUs when a real-time task makes bypass begin, as
 * who disables a scheduler is, and for how long. The driver is the one here.
 * In counted instructions: what tasks do in a time is compared.
 */
#include "lab.h"

#define TASKS		240
/* long enough for what goes on at the beginning of bypass */
#define SETTLE_MS	20
#define LOOK_MS		100
#define SHORT		"quiet_ms=50"
#define SHORT_MS	50

static void work_for(unsigned int ms)
{
	double end = now() + ms / 1000.0;

	while (now() < end)
		;
}

/* What tasks do while the driver works, or sleeps, from @after ms on. */
static unsigned long done_while(void (*pass)(unsigned int ms), unsigned int after)
{
	unsigned long before;

	pass(after);
	before = work_of_tasks();
	pass(LOOK_MS);
	return work_of_tasks() - before;
}

static void begin(const char *params)
{
	module_load(params);
	must_attach(SCHED_PILE);
	spawn(TASKS, 0, NULL);
	hold_bypass(true);
}

static void end(void)
{
	hold_bypass(false);
	kill_tasks();
	sched_must_go();
	module_unload();
}

void case_quiet(bool module)
{
	unsigned long without, quiet, asleep, over, again;

	load_test_module();
	begin("quiet_ms=0");
	without = done_while(work_for, SETTLE_MS);
	end();

	begin("");
	quiet = done_while(work_for, SETTLE_MS);
	hold_bypass(false);
	hold_bypass(true);
	again = done_while(work_for, SETTLE_MS);
	end();

	begin("");
	asleep = done_while(sleep_ms, SETTLE_MS);
	end();

	begin(SHORT);
	over = done_while(work_for, SHORT_MS + SETTLE_MS);
	end();

	info("turns of all tasks: %lu without quiet, %lu in it, %lu in a bypass soon after,",
	     without, quiet, again);
	info("%lu while the driver sleeps, %lu after " SHORT, asleep, over);
	if (!without)
		give_up("the tasks do not run");
	check(quiet < without / 10, "tasks are kept off");
	check(again > without / 2, "but not again so soon");
	check(asleep > without / 8, "nor all the time while the driver sleeps");
	check(over > without / 2, "nor for longer than quiet_ms");
}
