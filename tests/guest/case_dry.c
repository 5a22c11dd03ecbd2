// SPDX-License-Identifier: GPL-2.0-only
/*
 * dry: tasks wake up on a CPU that a real-time task has, and a pass moves some of them to the other
 * CPU of the node, behind many tasks that may run there only. Then the first CPU is free. It soon
 * has no task left, and must take those that were moved: first while a real-time task has the
 * other CPU, then while that runs its tasks in turn.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lab.h"

/* the two CPUs of node 0, in the machine "small", and one of the other node */
#define FULL_CPU	0
#define DRY_CPU		1
#define DRIVER_CPU	3
#define MAX_PINNED	100
/* more than twice as many, so that a pass moves some */
#define SLEEPERS	250
#define SECONDS	5
/* so many are to wait behind the pinned tasks, and how often that is tried */
#define ENOUGH	10
#define TRIES	5

/* each sleeper's wakes; what they wait for */
static unsigned int *wakes, *word;
static pid_t sleepers[SLEEPERS];
/* how often they were told to wake up */
static unsigned int rounds;
static unsigned long turns[MAX_PINNED];

static void __noreturn sleeper(unsigned int *nr)
{
	for (;;) {
		unsigned int seen = __atomic_load_n(word, __ATOMIC_ACQUIRE);

		while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == seen)
			syscall(SYS_futex, word, FUTEX_WAIT, seen, NULL, NULL, 0);
		__atomic_fetch_add(nr, 1, __ATOMIC_RELEASE);
	}
}

/* How many have not run since they were told to? */
static int nr_asleep(void)
{
	int i, nr = 0;

	for (i = 0; i < SLEEPERS; i++)
		nr += __atomic_load_n(&wakes[i], __ATOMIC_ACQUIRE) != rounds;
	return nr;
}

static bool all_have_run(void *unused)
{
	return !nr_asleep();
}

/* In bypass. They have slept on the CPU that will be dry, and may run on both. */
static void begin_sleepers(void)
{
	int i;

	wakes = map_shared((SLEEPERS + 1) * sizeof(*wakes));
	word = &wakes[SLEEPERS];
	pin_to(DRY_CPU, DRY_CPU);
	for (i = 0; i < SLEEPERS; i++) {
		sleepers[i] = start_child("sleeper");
		if (!sleepers[i])
			sleeper(&wakes[i]);
	}
	pin_to(DRIVER_CPU, DRIVER_CPU);
	sleep_ms(100);
	for (i = 0; i < SLEEPERS; i++)
		pin_to_range(sleepers[i], FULL_CPU, 2);
}

static void wake_sleepers(void)
{
	rounds++;
	__atomic_fetch_add(word, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static void note_turns(void)
{
	int i;

	for (i = 0; i < nr_tasks(); i++)
		turns[i] = work_of_task(i);
}

/* How many of the pinned tasks have run since? */
static int nr_turns(void)
{
	int i, nr = 0;

	for (i = 0; i < nr_tasks(); i++)
		nr += work_of_task(i) != turns[i];
	return nr;
}

/* A long turn: half of the pinned tasks have run. */
static bool is_settled(void *unused)
{
	return !nr_asleep() || nr_turns() > nr_tasks() / 2;
}

/* @hogged: a real-time task then has the other CPU. Returns false if too few tasks wait there. */
static bool run_dry(bool module, bool hogged, const char *when)
{
	unsigned long long moved = module ? node_status(0).moved : 0;
	pid_t full = 0, dry = hog_begin(DRY_CPU, HOG_PRIO);
	int waiting;

	if (hogged) {
		full = hog_begin(FULL_CPU, HOG_PRIO);
		kill(full, SIGSTOP);
	}
	wake_sleepers();
	if (module && !wait_for(has_moved, &moved, 60))
		give_up("no task is moved");
	if (hogged)
		kill(full, SIGCONT);
	waiting = module ? queue_length(FULL_CPU) - nr_tasks() : ENOUGH;
	if (waiting < ENOUGH) {
		end_children(&dry, 1);
		if (hogged)
			end_children(&full, 1);
		check(wait_for(all_have_run, NULL, 120), "%s: too few wait, so once more", when);
		return false;
	}
	if (module)
		info("%s: %llu tasks were moved, %d wait there", when,
		     node_status(0).moved - moved, waiting);
	note_turns();
	end_children(&dry, 1);
	wait_for(hogged ? all_have_run : is_settled, NULL, SECONDS);
	check(!nr_asleep(), "%s: %d tasks that a free CPU may run have not run", when, nr_asleep());
	if (hogged)
		end_children(&full, 1);
	check(wait_for(all_have_run, NULL, 120), "%s: then they run", when);
	check(all_progress(120), "%s: and all others", when);
	return true;
}

static void run_dry_once(bool module, bool hogged, const char *when)
{
	int tries = TRIES;

	while (!run_dry(module, hogged, when))
		if (!--tries)
			give_up("%s: too few tasks wait", when);
}

static void case_dry(bool module)
{
	hogs_may_run();
	load_test_module();
	if (module)
		module_load("bypass_lb_intv_us=4000");
	must_attach(SCHED_GLOBAL);
	/* a pass moves some to this CPU only if it has less than the mean of the node's CPUs */
	spawn_on(has_nodes() ? MAX_PINNED : MAX_PINNED / 2, FULL_CPU);
	must_progress(120, "under the scheduler");
	begin_sleepers();
	hold_bypass(true);
	must_progress(120, "in bypass");
	run_dry_once(module, true, "beside a real-time task");
	run_dry_once(module, false, "beside pinned tasks");
	hold_bypass(false);
	end_children(sleepers, SLEEPERS);
	account_for_all(module);
}

CASE(dry) = {
	.shows =
		"a CPU that has no task left takes those that a pass has moved behind many that cannot move, whether the CPU where they wait runs its tasks or not",
	.variants = "control module",
	.machines = "small",
};
