// SPDX-License-Identifier: GPL-2.0-only
/*
 * inlined: a kernel whose compiler has inlined consume_dispatch_q() into the caller that
 * takes tasks from the global DSQs, and has kept the function for another caller. Nothing
 * that can be looked at when the module is loaded shows it: it must see by itself that it
 * misses a caller, and leave bypass as the kernel has it.
 */
#include <unistd.h>

#include "lab.h"

#define TASKS	240
#define ROUNDS	5
/* until a CPU is seen in the loop behind ops.dispatch() as bypass begins */
#define TOGGLES	200
#define NAP_US	100
/* seconds, for tasks to have run */
#define PATIENCE	60

static void check_inactive(bool module, const char *when)
{
	if (module)
		check(!hooks_are_proven(NULL), "%s: the hooks are not used", when);
}

/* Its CPU, in the other node, has nothing else to run, so it picks in vain all the time. */
static pid_t begin_to_nap(void)
{
	pid_t pid = start_child("napping");

	if (pid)
		return pid;
	if (pin_to_range(0, cpus_per_node, cpus_per_node))
		_exit(1);
	for (;;)
		usleep(NAP_US);
}

static void in_and_out(enum scheduler which, bool module)
{
	pid_t napping;
	int i;

	must_attach(which);
	napping = begin_to_nap();
	spawn(TASKS, 0, NULL);
	must_progress(PATIENCE, "under the scheduler");
	check_inactive(module, "under the scheduler");
	for (i = 0; i < TOGGLES; i++) {
		hold_bypass(true);
		sleep_ms(2);
		hold_bypass(false);
		sleep_ms(2);
	}
	check_inactive(module, "bypass has been on and off");
	end_children(&napping, 1);
	for (i = 0; i < ROUNDS; i++) {
		hold_bypass(true);
		check_inactive(module, "in bypass");
		check(all_progress(PATIENCE), "in bypass all tasks run");
		hold_bypass(false);
		check(all_progress(PATIENCE), "under the scheduler again, too");
		/* tasks that do not come out are saved by the kernel's watchdog */
		check(!sched_is_off(NULL), "the scheduler has not been thrown out");
	}
	sched_press_sysrq();
	check(wait_for(sched_is_off, NULL, PATIENCE), "the scheduler goes");
	check(all_progress(PATIENCE), "and all tasks run");
	kill_tasks();
	sched_detach();
}

static void case_inlined(bool module)
{
	load_test_module();
	if (module) {
		check(!load_under_test(""), "the module loads");
		check_inactive(module, "loaded");
	}
	/* one that uses the function, and one that does not */
	in_and_out(SCHED_PILE, module);
	in_and_out(SCHED_GLOBAL, module);
	if (module)
		module_unload();
	in_and_out(SCHED_PILE, false);
}

CASE(inlined) = {
	.shows =
		"a kernel whose compiler has inlined a hooked function into one of its callers: the module notices, and nothing is redirected",
	.targets = "named",
	.variants = "control module",
};
