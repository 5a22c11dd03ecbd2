// SPDX-License-Identifier: GPL-2.0-only
/*
 * deadftrace: ftrace has stopped for good, as after a fault of its own, so that nothing can
 * take the hooks off any more. The kernel survives that. rmmod then does not return: the module's
 * memory stays, tasks run, bypass comes and goes.
 */
#include "lab.h"

#define TASKS		60
#define BYPASS_SECONDS	120
#define RMMOD_SECONDS	300

static bool says_so(void *unused)
{
	return kernel_log_has("ftrace failed to restore the kernel's functions");
}

static void case_deadftrace(bool module)
{
	load_test_module();
	module_load("");
	must_attach(SCHED_PILE);
	spawn(TASKS, 0, NULL);
	check_bypass("before", BYPASS_SECONDS);
	/* what tracing adds to a function's entry is what nothing takes off */
	set_probes("p:enq dispatch_enqueue\n");
	must_write(TEST_PARAM("dead_ftrace"), "1");
	check_bypass("ftrace is dead", BYPASS_SECONDS);
	if (!start_child("rmmod"))
		unload_module(MODULE);
	check(wait_for(says_so, NULL, RMMOD_SECONDS), "rmmod says that the module must stay");
	check_bypass("rmmod waits", BYPASS_SECONDS);
	check(exists("/sys/module/" MODULE), "the module is still there");
	sched_must_go();
	check(all_progress(120), "without a scheduler: all tasks run");
	check(!read_long(TEST_PARAM("stale")), "no task is on a bypass DSQ");
}

CASE(deadftrace) = {
	.shows =
		"ftrace has stopped for good, so nothing takes the hooks off: rmmod says so and does not return, and everything else goes on",
	.machines = "single",
};
