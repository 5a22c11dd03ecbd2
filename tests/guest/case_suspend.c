// SPDX-License-Identifier: GPL-2.0-only
/*
 * suspend: the kernel enters bypass for as long as the machine sleeps, with a
 * scheduler and without. Each level of pm_test.
 */
#include <string.h>

#include "lab.h"

#define TASKS	60

static const char * const levels[] = { "freezer", "devices", "platform", "processors" };

static void each_level(const char *when, bool module)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(levels); i++) {
		unsigned long long before = module ? node_status(0).passes : 0;
		int ret = pm_test_suspend(levels[i]);

		check(!ret, "%s, %s: suspended and back (%s)", when, levels[i], strerror(-ret));
		check(all_progress(120), "%s, %s: all tasks run", when, levels[i]);
		check(!read_long(TEST_PARAM("deaf")), "%s, %s: irq_work is done on each CPU", when,
		      levels[i]);
		if (!module)
			continue;
		check(bypass_is(false), "%s, %s: bypass is over", when, levels[i]);
		/* without a scheduler there is nothing to balance */
		check((node_status(0).passes > before) == !sched_is_off(NULL),
		      "%s, %s: it was on, and balanced if there is a scheduler", when,
		      levels[i]);
		check(!total_queued(), "%s, %s: the bypass DSQs are empty", when, levels[i]);
	}
}

static void case_suspend(bool module)
{
	if (!pm_test_available())
		give_up("this kernel cannot test a suspend");
	load_test_module();
	if (module)
		module_load("");
	spawn(TASKS, 0, NULL);
	each_level("without a scheduler", module);
	check(!kernel_log_has("the hooks were not called"), "no scheduler, nothing to be proven");
	must_attach(SCHED_PILE);
	must_progress(120, "under the scheduler");
	each_level("with one", module);
	check(!sched_is_off(NULL), "it is still there");
	check(!kernel_log_has("bypass stays on"), "no warning of a bypass that stays on");
	account_for_all(module);
}

CASE(suspend) = {
	.shows = "the levels of pm_test, with a scheduler and without",
	.targets = "fire",
	.variants = "control module",
};
