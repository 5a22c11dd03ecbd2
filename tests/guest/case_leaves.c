// SPDX-License-Identifier: GPL-2.0-only
/*
 * leaves: real-time tasks have all CPUs of one of RCU's leaf nodes when the scheduler is removed.
 * An expedited grace period needs a thread that may run on the CPUs of the leaf only. Without the
 * module first, then with it.
 */
#define _GNU_SOURCE
#include <sched.h>

#include "lab.h"

#define TASKS		40
/* the second leaf; the last one would need no thread of its own */
#define FIRST_CPU	2
#define LEAF_CPUS	2
#define SETTLE_MS	50
/* in guest time, which is counted in instructions */
#define LIMIT_SECONDS	20

static void remove_beside_hogs(const char *when)
{
	pid_t hogs[LEAF_CPUS];
	double begin, took;
	bool gone;
	int i;

	must_attach(SCHED_GLOBAL);
	spawn(TASKS, 0, NULL);
	must_progress(60, "under the scheduler");
	pin_to(GUEST_CPUS - 1, GUEST_CPUS - 1);
	for (i = 0; i < LEAF_CPUS; i++)
		hogs[i] = hog_begin(FIRST_CPU + i, SCHED_FIFO);
	sleep_ms(SETTLE_MS);

	begin = now();
	must_write("/proc/sysrq-trigger", "S");
	gone = wait_for(sched_is_off, NULL, LIMIT_SECONDS);
	took = now() - begin;
	info("%s: %s after %.0f ms", when, gone ? "gone" : "still there", took * 1000);
	end_children(hogs, LEAF_CPUS);
	check(gone, "%s: the scheduler goes though they spin", when);
	if (!gone)
		info("when they have ended: %s",
		     wait_for(sched_is_off, NULL, LIMIT_SECONDS) ? "gone" : "still there");
	pin_to_range(0, 0, GUEST_CPUS);
	kill_tasks();
	sched_detach();
}

static void case_leaves(bool module)
{
	hogs_may_run();
	note_rcu_threads();
	remove_beside_hogs("without the module");
	module_load("");
	remove_beside_hogs("with it");
	check(status_number("expedited") >= 1, "grace periods were expedited");
	check(check_rcu_threads("with the module"), "those of leaf nodes may run elsewhere");
	module_unload();
	check(!check_rcu_threads("without it"), "and no longer, without the module");
}

CASE(leaves) = {
	.shows =
		"real-time tasks have all CPUs of an RCU leaf node when the scheduler is removed: it goes, as without the module",
	.machines = "leaves",
};
