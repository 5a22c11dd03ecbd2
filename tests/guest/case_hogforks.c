// SPDX-License-Identifier: GPL-2.0-only
/*
 * hogforks: a task of a higher class takes a CPU for itself while tasks fork. The scheduler goes
 * while it is still there, and others can fork meanwhile. Without the module first, then with it.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab.h"

#define HOG_CPU		3
/* the driver stays on the other node */
#define DRIVER_CPU	7
#define FORKERS		24
#define FORK_RUNS	3
#define MAX_FORK_RUNS	64
/* how many times as long the module may take, in instructions: a run depends on chance */
#define GONE_TIMES	3
#define FORK_PAUSE_US	5000
#define SETTLE_MS	100
/* one that takes so long does not end before the hog does */
#define GONE_SECONDS	60

/* forks of the task that counts them */
static unsigned long *forks;

/*
 * It forks for ever. One that counts is a real-time task away from the hog: it never waits
 * for a CPU, only inside fork().
 */
static void __noreturn fork_for_ever(bool counts)
{
	if (counts && (pin_to(DRIVER_CPU, DRIVER_CPU) || set_priority(0, 1)))
		_exit(1);
	for (;;) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		waitpid(pid, NULL, 0);
		if (counts) {
			__atomic_fetch_add(forks, 1, __ATOMIC_RELAXED);
			usleep(FORK_PAUSE_US);
		}
	}
}

static pid_t forker(bool counts)
{
	pid_t pid = start_child("forker");

	if (!pid)
		fork_for_ever(counts);
	return pid;
}

static unsigned long nr_forks(void)
{
	return __atomic_load_n(forks, __ATOMIC_RELAXED);
}

static bool has_forked(void *before)
{
	return nr_forks() > *(unsigned long *)before;
}

/* Where the tasks that fork are, when the scheduler has not gone. */
static void tell_forkers(const pid_t *pids)
{
	int i;

	for (i = 0; i < FORKERS; i++)
		if (task_cpu_of(pids[i]) == HOG_CPU)
			tell_task(pids[i]);
}

/* As wait_for(), and looks each millisecond. */
static bool has_gone(double limit)
{
	while (!sched_is_off(NULL)) {
		if (now() > limit)
			return false;
		sleep_ms(1);
	}
	return true;
}

/* Returns after how many seconds the scheduler has gone, or a negative number. */
static double remove_beside_a_hog(const char *when, int run)
{
	pid_t pids[FORKERS + 1], hog;
	unsigned long before;
	bool gone, forked;
	double begin, took;
	int i;

	must_attach(SCHED_GLOBAL);
	for (i = 0; i < FORKERS; i++)
		pids[i] = forker(false);
	pids[FORKERS] = forker(true);
	before = nr_forks();
	if (!wait_for(has_forked, &before, 60))
		give_up("no task forks");
	sleep_ms(SETTLE_MS);
	pin_to(DRIVER_CPU, DRIVER_CPU);
	hog = hog_begin(HOG_CPU, HOG_PRIO);
	sleep_ms(SETTLE_MS);

	before = nr_forks();
	begin = now();
	sched_press_sysrq();
	gone = has_gone(begin + GONE_SECONDS);
	took = now() - begin;
	info("%s, run %d: %s after %.0f ms, %lu forks", when, run, gone ? "gone" : "still there",
	     took * 1000, nr_forks() - before);
	before = nr_forks();
	forked = wait_for(has_forked, &before, 10);
	if (!gone)
		tell_forkers(pids);
	end_children(&hog, 1);
	if (!gone)
		info("when the hog has ended: %s",
		     wait_for(sched_is_off, NULL, GONE_SECONDS) ? "gone" : "still there");

	pin_to_range(0, 0, GUEST_CPUS);
	end_children(pids, FORKERS + 1);
	sched_detach();
	check(gone, "%s, run %d: the scheduler goes though the hog spins", when, run);
	check(forked, "%s, run %d: and tasks can fork", when, run);
	return gone && forked ? took : -1;
}

/* Returns the median of the times, or a negative number. */
static double remove_often(const char *when)
{
	double took[MAX_FORK_RUNS];
	int i, runs = FORK_RUNS * test_times;

	if (runs > MAX_FORK_RUNS)
		runs = MAX_FORK_RUNS;
	for (i = 0; i < runs; i++) {
		took[i] = remove_beside_a_hog(when, i);
		if (took[i] < 0)
			return -1;
	}
	sort_figures(took, runs);
	info("%s: gone after %.0f ms (median), %.0f ms (worst)", when, took[runs / 2] * 1000,
	     took[runs - 1] * 1000);
	return took[runs / 2];
}

static void case_hogforks(bool module)
{
	double without, with;

	hogs_may_run();
	forks = map_shared(sizeof(*forks));
	load_test_module();
	without = remove_often("without the module");
	module_load("");
	with = remove_often("with it");
	check(with >= 0 && with <= GONE_TIMES * without,
	      "with the module it goes as soon as without it");
	module_unload();
}

CASE(hogforks) = {
	.shows =
		"a task of a higher class has a CPU for itself while tasks fork: the scheduler goes, and fork() works",
	.machines = "counted",
};
