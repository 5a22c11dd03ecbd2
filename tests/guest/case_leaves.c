// SPDX-License-Identifier: GPL-2.0-only
/*
 * leaves: real-time tasks have all CPUs of one of RCU's leaf nodes when the scheduler is removed.
 * An expedited grace period needs a thread that may run on the CPUs of the leaf only.
 *
 * Then they have all CPUs of the machine, and the scheduler does not have all tasks. RCU's threads
 * are in the fair class, which gets a share of each CPU all the same.
 *
 * Then they take all CPUs while a scheduler that had all tasks is removed, when its tasks are in
 * the fair class again. Another task waits for a grace period meanwhile.
 *
 * Each without the module first, then with it. And before that: with the module, on a leaf whose
 * CPUs come up after it was loaded.
 */
#define _GNU_SOURCE
#include <linux/membarrier.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lab.h"

#define TASKS		40
#define SETTLE_MS	50
/* the first CPU that is offline after boot, and the first of a leaf */
#define FIRST_LATE_CPU	4
/* in guest time, which is counted in instructions */
#define LIMIT_SECONDS	60
/* below that of the thread in which the kernel removes a scheduler, and above it */
#define LOW_PRIO	10
#define TEST_PRIO	60

/* @first, @nr: the CPUs that they have. */
static void begin_hogs(pid_t *hogs, int first, int nr)
{
	int i;

	for (i = 0; i < nr; i++)
		hogs[i] = hog_begin(first + i, LOW_PRIO);
}

static void signal_hogs(const pid_t *hogs, int signal)
{
	int i;

	for (i = 0; i < GUEST_CPUS; i++)
		kill(hogs[i], signal);
}

/* @first, @nr: the CPUs that the real-time tasks have. */
static void remove_beside_hogs(enum scheduler sched, int tasks, int first, int nr,
			       const char *when)
{
	pid_t hogs[GUEST_CPUS];
	double begin, took;
	bool gone;

	must_attach(sched);
	spawn(tasks, 0, NULL);
	must_progress(60, "under the scheduler");
	pin_to(GUEST_CPUS - 1, GUEST_CPUS - 1);
	set_priority(0, TEST_PRIO);
	begin_hogs(hogs, first, nr);
	sleep_ms(SETTLE_MS);

	begin = now();
	must_write("/proc/sysrq-trigger", "S");
	gone = wait_for(sched_is_off, NULL, LIMIT_SECONDS);
	took = now() - begin;
	info("%s: %s after %.0f ms", when, gone ? "gone" : "still there", took * 1000);
	end_children(hogs, nr);
	set_priority(0, 0);
	check(gone, "%s: the scheduler goes though they spin", when);
	if (!gone)
		info("when they have ended: %s",
		     wait_for(sched_is_off, NULL, LIMIT_SECONDS) ? "gone" : "still there");
	pin_to_range(0, 0, GUEST_CPUS);
	kill_tasks();
	sched_detach();
}

/* @first: the first of the leaf's CPUs. Not of the last leaf, which has no thread of its own. */
static void hogs_on_a_leaf(int first, const char *when)
{
	remove_beside_hogs(SCHED_GLOBAL, TASKS, first, 2, when);
}

/* Others would take from the share in which the scheduler is to go. */
static void hogs_everywhere(const char *when)
{
	remove_beside_hogs(SCHED_GLOBAL_PARTIAL, 0, 0, GUEST_CPUS, when);
}

static void hogs_come_late(const char *when)
{
	int *done = map_shared(sizeof(*done));
	pid_t hogs[GUEST_CPUS], waiting;
	double begin;
	bool ended;

	must_attach(SCHED_LINGERING);
	sched_linger(true);
	set_priority(0, TEST_PRIO);
	begin_hogs(hogs, 0, GUEST_CPUS);
	signal_hogs(hogs, SIGSTOP);
	must_write("/proc/sysrq-trigger", "S");
	if (!wait_for(sched_lingers, NULL, LIMIT_SECONDS))
		give_up("the scheduler does not come to its last callback");
	signal_hogs(hogs, SIGCONT);
	sleep_ms(SETTLE_MS);

	begin = now();
	waiting = start_child("waiting");
	if (!waiting) {
		/* in the kernel this is synchronize_rcu() */
		*done = !syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
		for (;;)
			pause();
	}
	ended = wait_for(flag_is_set, done, LIMIT_SECONDS);
	info("%s: a grace period %s after %.0f ms", when, ended ? "has ended" : "has not ended",
	     (now() - begin) * 1000);
	check(ended, "%s: grace periods end though they spin", when);
	/* one of them waits for the CPU of the thread that is in the callback */
	sched_linger(false);
	end_children(hogs, GUEST_CPUS);
	set_priority(0, 0);
	check(wait_for(sched_is_off, NULL, LIMIT_SECONDS), "%s: the scheduler goes", when);
	end_children(&waiting, 1);
	sched_detach();
}

/* RCU makes a thread for a leaf when the first of its CPUs comes up. */
static void leaf_comes_up(void)
{
	int cpu;

	note_rcu_threads();
	module_load("");
	check(!kernel_log_has("RCU has a new thread"), "all of RCU's threads are known");
	for (cpu = FIRST_LATE_CPU; cpu < GUEST_CPUS; cpu++)
		set_cpu_online(cpu, true);
	check(kernel_log_has("RCU has a new thread"), "there are new ones");
	hogs_on_a_leaf(FIRST_LATE_CPU, "one leaf, which came up after the module was loaded");
	check(!status_number("expedited"), "grace periods were not expedited");
	check(check_rcu_threads("with a new one"), "those of leaf nodes may run elsewhere");
	module_unload();
}

static void case_leaves(bool module)
{
	unsigned long long expedited;

	hogs_may_run();
	leaf_comes_up();
	note_rcu_threads();
	hogs_on_a_leaf(2, "one leaf, without the module");
	hogs_everywhere("all CPUs, without the module");
	hogs_come_late("late, without the module");
	module_load("");
	hogs_on_a_leaf(2, "one leaf, with the module");
	/* as the scheduler was attached, and as it was removed */
	expedited = status_number("expedited");
	check(expedited == 2, "grace periods were expedited %llu times", expedited);
	hogs_everywhere("all CPUs, with the module");
	check(status_number("expedited") == expedited + 1, "and then only as it was attached");
	expedited = status_number("expedited");
	hogs_come_late("late, with the module");
	check(status_number("expedited") == expedited + 2, "both times, until they came");
	check(check_rcu_threads("with the module"), "those of leaf nodes may run elsewhere");
	module_unload();
	check(!check_rcu_threads("without it"), "and no longer, without the module");
}

CASE(leaves) = {
	.shows =
		"real-time tasks have all CPUs of an RCU leaf node, or of the machine, before a scheduler is removed or meanwhile: it goes, and grace periods end, as without the module; also if a CPU has come up since",
	.machines = "leaves",
};
