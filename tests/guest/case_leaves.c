// SPDX-License-Identifier: GPL-2.0-only
/*
 * leaves: real-time tasks have all CPUs of one of RCU's leaf nodes when the scheduler is removed.
 * An expedited grace period needs a thread that may run on the CPUs of the leaf only. Without the
 * module first, then with it.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <unistd.h>

#include "lab.h"

#define TASKS		40
/* below that of the driver, and of the thread that removes the scheduler */
#define HOG_PRIO	10
#define SETTLE_MS	50
/* in guest time, which is counted in instructions */
#define LIMIT_SECONDS	20

/**
 * struct leaves_run - which CPUs are taken
 * @name: for messages
 * @which: the scheduler
 * @first: the first CPU
 * @count: so many of them
 */
static const struct leaves_run {
	const char *name;
	enum scheduler which;
	int first, count;
} runs[] = {
	{ "the CPUs of a leaf", SCHED_GLOBAL, 2, 2 },
};

static pid_t begin_to_spin(int cpu)
{
	const struct sched_param prio = { .sched_priority = HOG_PRIO };
	pid_t pid = start_child("hog");

	if (pid)
		return pid;
	if (pin_to(cpu, cpu) || sched_setscheduler(0, SCHED_FIFO, &prio))
		_exit(1);
	for (;;)
		;
}

static void remove_beside_hogs(const char *when, const struct leaves_run *run)
{
	pid_t hogs[GUEST_CPUS];
	double begin, took;
	bool gone;
	int i;

	must_attach(run->which);
	spawn(TASKS, 0, NULL);
	must_progress(60, "under the scheduler");
	pin_to(GUEST_CPUS - 1, GUEST_CPUS - 1);
	for (i = 0; i < run->count; i++)
		hogs[i] = begin_to_spin(run->first + i);
	sleep_ms(SETTLE_MS);

	begin = now();
	must_write("/proc/sysrq-trigger", "S");
	gone = wait_for(sched_is_off, NULL, LIMIT_SECONDS);
	took = now() - begin;
	info("%s: %s: %s after %.0f ms", when, run->name, gone ? "gone" : "still there",
	     took * 1000);
	end_children(hogs, run->count);
	check(gone, "%s: %s: the scheduler goes though they spin", when, run->name);
	if (!gone)
		info("when they have ended: %s",
		     wait_for(sched_is_off, NULL, LIMIT_SECONDS) ? "gone" : "still there");
	pin_to_range(0, 0, GUEST_CPUS);
	kill_tasks();
	sched_detach();
}

static void case_leaves(bool module)
{
	size_t i;

	hogs_may_run();
	note_rcu_threads();
	for (i = 0; i < ARRAY_SIZE(runs); i++)
		remove_beside_hogs("without the module", &runs[i]);
	module_load("");
	for (i = 0; i < ARRAY_SIZE(runs); i++)
		remove_beside_hogs("with it", &runs[i]);
	check(status_number("expedited") >= ARRAY_SIZE(runs), "grace periods were expedited");
	check(check_rcu_threads("with the module"), "those of leaf nodes may run elsewhere");
	module_unload();
	check(!check_rcu_threads("without it"), "and no longer, without the module");
}

CASE(leaves) = {
	.shows =
		"real-time tasks have all CPUs of an RCU leaf node when the scheduler is removed: it goes, as without the module",
	.machines = "leaves",
};
