// SPDX-License-Identifier: GPL-2.0-only
/*
 * leaves: what an expedited grace period needs and a normal one does not, real-time tasks keep from
 * running when a scheduler is removed. It goes all the same.
 *
 * First they have all CPUs of one of RCU's leaf nodes, for which there is a thread that may run
 * there only.
 *
 * Then they have all CPUs of the machine, and the scheduler does not have all tasks. RCU's threads
 * are in the fair class, which gets a share of each CPU all the same.
 *
 * Then they take all CPUs while a scheduler that had all tasks is removed, when its tasks are in
 * the fair class again. Another task waits for a grace period meanwhile.
 *
 * Then one takes the CPU of a task that has asked for a grace period, and has to run once more
 * before the next one can be an expedited one: first as the scheduler is removed, then before that.
 *
 * Each without the module first, then with it, which has to do what the kernel does by itself. A
 * kernel that boosts RCU's readers has RCU's threads as real-time tasks already, of the lowest
 * priority: then it ends only when the real-time tasks do, without the module too.
 *
 * lateleaf: the first, for a leaf whose CPUs have come up after the module was loaded.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <unistd.h>

#include "lab.h"

#define TASKS		40
#define SETTLE_MS	50
/* the first CPU that is offline after boot, and the first of a leaf */
#define FIRST_LATE_CPU	4
/* in guest time, which is counted in instructions */
#define LIMIT_SECONDS	20
/* below that of the thread in which the kernel removes a scheduler, and above it */
#define LOW_PRIO	10
/* below theirs */
#define ASKER_PRIO	5
#define TEST_PRIO	60
/* makes all grace periods expedited ones */
#define EXPEDITED	"/sys/kernel/rcu_expedited"

static bool with_module;
/* what the kernel has done by itself, in the part that runs */
static bool kernel_does;
/* grace periods that were to be expedited, before the scheduler is removed */
static unsigned long long expedited;

static void remove_scheduler(void)
{
	expedited = with_module ? status_number("expedited") : 0;
	sched_press_sysrq();
}

/* It must happen with the module if it happens without. */
static void must(bool done, const char *when, const char *what)
{
	if (!with_module && !done) {
		info("%s, without the module, it does not happen: %s", when, what);
		kernel_does = false;
		return;
	}
	check(done, "%s, %s the module: %s", when, with_module ? "with" : "without", what);
}

/* @first, @nr: the CPUs that they have. */
static void begin_hogs(pid_t *hogs, int first, int nr)
{
	int i;

	for (i = 0; i < nr; i++)
		hogs[i] = hog_begin(first + i, LOW_PRIO);
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
	pin_to(0, 0);
	set_priority(0, TEST_PRIO);
	begin_hogs(hogs, first, nr);
	sleep_ms(SETTLE_MS);

	begin = now();
	remove_scheduler();
	gone = wait_for(sched_is_off, NULL, LIMIT_SECONDS);
	took = now() - begin;
	info("%s: %s after %.0f ms", when, gone ? "gone" : "still there", took * 1000);
	end_children(hogs, nr);
	set_priority(0, 0);
	must(gone, when, "the scheduler goes though they spin");
	if (!gone)
		info("when they have ended: %s",
		     wait_for(sched_is_off, NULL, LIMIT_SECONDS) ? "gone" : "still there");
	pin_to_range(0, 0, GUEST_CPUS);
	kill_tasks();
	sched_detach();
}

/* Not of the last leaf, whose thread is not used. */
static void hogs_on_a_leaf(const char *when)
{
	remove_beside_hogs(SCHED_GLOBAL, TASKS, 2, 2, when);
}

/* Others would take from the share in which the scheduler is to go. */
static void hogs_everywhere(const char *when)
{
	remove_beside_hogs(SCHED_GLOBAL_PARTIAL, 0, 0, GUEST_CPUS, when);
}

/* The scheduler has given back all tasks, and is not gone yet. The driver gets a high priority. */
static void begin_removal(void)
{
	must_attach(SCHED_LINGERING);
	sched_linger(true);
	set_priority(0, TEST_PRIO);
	remove_scheduler();
	if (!wait_for(sched_lingers, NULL, LIMIT_SECONDS))
		give_up("the scheduler does not come to its last callback");
}

static void end_removal(const char *when)
{
	sched_linger(false);
	must(wait_for(sched_is_off, NULL, LIMIT_SECONDS), when, "the scheduler goes");
}

/* A task that asks for grace periods all the time, and counts them in @nr. */
static pid_t begin_grace_periods(int priority, int *nr)
{
	pid_t child = start_child("grace periods");

	if (child)
		return child;
	set_priority(0, priority);
	for (;;)
		*nr += wait_for_grace_period();
}

/* Returns a task to be ended. */
static pid_t grace_periods_must_end(const char *when)
{
	int *nr = map_shared(sizeof(*nr));
	double begin = now();
	pid_t waiting = begin_grace_periods(TEST_PRIO, nr);
	bool ended = wait_for(flag_is_set, nr, LIMIT_SECONDS);

	info("%s: a grace period %s after %.0f ms", when, ended ? "has ended" : "has not ended",
	     (now() - begin) * 1000);
	must(ended, when, "grace periods end though they spin");
	return waiting;
}

static void hogs_come_late(const char *when)
{
	pid_t hogs[GUEST_CPUS], waiting;

	begin_hogs(hogs, 0, GUEST_CPUS);
	signal_children(hogs, GUEST_CPUS, SIGSTOP);
	begin_removal();
	signal_children(hogs, GUEST_CPUS, SIGCONT);
	sleep_ms(SETTLE_MS);
	waiting = grace_periods_must_end(when);
	/* one of them waits for the CPU of the thread that is in the callback */
	sched_linger(false);
	end_children(hogs, GUEST_CPUS);
	set_priority(0, 0);
	end_removal(when);
	end_children(&waiting, 1);
	sched_detach();
}

/* Begin one that is stuck, because a real-time task, @hog, takes its CPU. Both are to be ended. */
static pid_t begin_stuck(pid_t *hog)
{
	int *nr = map_shared(sizeof(*nr));
	pid_t asking = begin_grace_periods(ASKER_PRIO, nr);
	int cpu;

	if (!wait_for(flag_is_set, nr, LIMIT_SECONDS))
		give_up("a task that asks for grace periods does not run");
	cpu = task_cpu_of(asking);
	pin_to_range(asking, cpu, 1);
	*hog = hog_begin(cpu, LOW_PRIO);
	sleep_ms(SETTLE_MS);
	return asking;
}

static void asker_is_stuck(const char *when)
{
	pid_t asking, hog, waiting;

	begin_removal();
	asking = begin_stuck(&hog);
	waiting = grace_periods_must_end(when);
	end_removal(when);
	set_priority(0, 0);
	end_children(&hog, 1);
	end_children(&asking, 1);
	end_children(&waiting, 1);
	sched_detach();
}

/*
 * It has asked for an expedited grace period, and then the scheduler is removed. Expedited grace
 * periods do not end for as long as the real-time task runs.
 */
static void expedited_is_stuck(const char *when)
{
	pid_t asking, hog;

	must_attach(SCHED_GLOBAL);
	set_priority(0, TEST_PRIO);
	must_write(EXPEDITED, "1");
	asking = begin_stuck(&hog);
	must_write(EXPEDITED, "0");
	remove_scheduler();
	must(wait_for(sched_is_off, NULL, LIMIT_SECONDS), when, "the scheduler goes");
	set_priority(0, 0);
	end_children(&hog, 1);
	end_children(&asking, 1);
	sched_detach();
}

/**
 * struct part - a part of the case
 * @when: its name
 * @run: does it
 * @expedites: grace periods are to be expedited as the scheduler goes; where real-time tasks have
 *	all CPUs of a thread that this needs, they are not
 * @lingers: the scheduler stays in a callback meanwhile; a kernel without preemption reports that
 * @kernel_does: the kernel does by itself what it asks for
 */
static struct part {
	const char *when;
	void (*run)(const char *when);
	bool expedites;
	bool lingers;
	bool kernel_does;
} parts[] = {
	{ "one leaf", hogs_on_a_leaf, false },
	{ "all CPUs", hogs_everywhere, false },
	{ "late", hogs_come_late, true, true },
	{ "stuck", asker_is_stuck, true, true },
	{ "stuck before", expedited_is_stuck, true },
};

static void run_with_module(const struct part *part)
{
	bool expedites = part->expedites && !read_long(RCU_NORMAL);

	part->run(part->when);
	expedited = status_number("expedited") - expedited;
	check(expedites == !!expedited, "%s: a grace period was to be expedited %llu times",
	      part->when, expedited);
}

static void case_leaves(bool module)
{
	struct part *part;

	hogs_may_run();
	note_rcu_threads();
	for (part = parts; part < parts + ARRAY_SIZE(parts); part++) {
		if (part->lingers && !kernel_is_preemptible())
			continue;
		kernel_does = true;
		part->run(part->when);
		part->kernel_does = kernel_does;
	}
	with_module = true;
	module_load("");
	for (part = parts; part < parts + ARRAY_SIZE(parts); part++) {
		if (!part->kernel_does) {
			skip(part->when, "not on this kernel");
			continue;
		}
		run_with_module(part);
	}
	check_rcu_threads("with the module");
	module_unload();
	check_rcu_threads("without the module");
}

CASE(leaves) = {
	.shows =
		"real-time tasks keep what an expedited grace period needs from running, or have all CPUs, when a scheduler is removed or meanwhile: it goes, and grace periods end, as without the module",
	.machines = "leaves",
	.first = true,
};

/* RCU makes a thread for a leaf when the first of its CPUs comes up. */
static void case_lateleaf(bool module)
{
	int cpu;

	hogs_may_run();
	module_load("");
	with_module = true;
	hogs_on_a_leaf("a leaf that was there");
	/* before 6.17 no CPU can be the first time online after boot */
	if (file_has("/proc/kallsyms", " sched_init_dl_servers\n")) {
		for (cpu = FIRST_LATE_CPU; cpu < GUEST_CPUS; cpu++)
			set_cpu_online(cpu, true);
		remove_beside_hogs(SCHED_GLOBAL, TASKS, FIRST_LATE_CPU, 2, "a leaf that came up");
	} else {
		skip("a leaf that came up", "the kernel divides by zero, without the module too");
	}
	module_unload();
}

CASE(lateleaf) = {
	.shows =
		"real-time tasks have the CPUs of one of RCU's leaf nodes, which came up after the module was loaded: a scheduler is removed all the same",
	.machines = "lateleaf",
};
