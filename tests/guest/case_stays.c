// SPDX-License-Identifier: GPL-2.0-only
/*
 * rmmod does not return, and says why: the module's memory stays, tasks run, bypass comes and goes.
 * deadftrace: ftrace has stopped for good, as after a fault of its own, so that nothing can
 * take the hooks off any more. The kernel survives that.
 * forced: the administrator has forced a livepatch transition that did not end, so that nobody
 * knows whether a task is still in a hook.
 */
#include "lab.h"

#define LIVEPATCH	"/sys/kernel/livepatch/" MODULE

#define TASKS		60
#define BYPASS_SECONDS	120
#define RMMOD_SECONDS	300

static void begin(const char *params)
{
	load_test_module();
	module_load(params);
	must_attach(SCHED_PILE);
	spawn(TASKS, 0, NULL);
	check_bypass("before", BYPASS_SECONDS);
}

static void start_rmmod(void)
{
	if (!start_child("rmmod"))
		unload_module(MODULE);
}

/* It says @text, and goes on waiting. */
static void check_stays(char *text)
{
	check(wait_for(is_in_kernel_log, text, RMMOD_SECONDS),
	      "rmmod says that the module must stay");
	check_bypass("rmmod waits", BYPASS_SECONDS);
	check(exists("/sys/module/" MODULE), "the module is still there");
	sched_must_go();
	check(all_progress(120), "without a scheduler: all tasks run");
	check(!read_long(TEST_PARAM("stale")), "no task is on a bypass DSQ");
}

static void case_deadftrace(bool module)
{
	begin("");
	/* what tracing adds to a function's entry is what nothing takes off */
	set_probes("p:enq dispatch_enqueue\n");
	must_write(TEST_PARAM("dead_ftrace"), "1");
	check_bypass("ftrace is dead", BYPASS_SECONDS);
	start_rmmod();
	check_stays("ftrace failed to restore the kernel's functions");
}

CASE(deadftrace) = {
	.shows =
		"ftrace has stopped for good, so nothing takes the hooks off: rmmod says so and does not return, and everything else goes on",
	.machines = "single",
};

static bool is_in_transition(void *unused)
{
	return exists(LIVEPATCH "/transition") && read_long(LIVEPATCH "/transition") == 1;
}

static void case_forced(bool module)
{
	begin("backend=livepatch");
	must_write(TEST_PARAM("stall_livepatch"), "1");
	start_rmmod();
	check(wait_for(is_in_transition, NULL, RMMOD_SECONDS), "rmmod has begun a transition");
	must_write(LIVEPATCH "/force", "1");
	must_write(TEST_PARAM("stall_livepatch"), "0");
	check_stays("a livepatch transition was forced");
}

CASE(forced) = {
	.shows =
		"a livepatch transition of rmmod was forced: rmmod says that the module must stay and does not return, and everything else goes on",
	.targets = "named",
};
