// SPDX-License-Identifier: GPL-2.0-only
/*
 * entering: an ordinary task enters bypass, as one that suspends the machine does. It may be
 * preempted as soon as the kernel has queued all tasks again, and then waits with them, on the
 * CPU that has most of them. Without the module first, then with it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "lab.h"

#define TASKS		60
#define ROUNDS		3
/* where all tasks are piled up */
#define FULL_CPU	0
#define HOG_PRIO	50
#define SETTLE_MS	20
/* rounds with a task that is pinned to it; when the hog comes, differently in each */
#define PINNED_ROUNDS	6
#define FIRST_US	150
/* it is stuck if it is not back by then; and there is more than one pass in such a time */
#define STUCK_MS	200
#define PASSES_MS	1500
/* in guest time, which is counted in instructions */
#define LIMIT_SECONDS	20

/**
 * struct entry - shared with the task that enters bypass and with the hog
 * @begin: when it calls the kernel, seconds
 * @end: when it is back
 */
static struct entry {
	double begin, end;
} *entry;

static double read_time(const double *from)
{
	double time;

	__atomic_load(from, &time, __ATOMIC_ACQUIRE);
	return time;
}

/* It is on the full CPU, and free to go, or not. */
static void __noreturn enter_bypass(bool pinned)
{
	const struct sched_param fifo = { .sched_priority = 1 }, none = { };
	int fd = open(TEST_PARAM("hold"), O_WRONLY);

	if (fd < 0 || sched_setscheduler(0, SCHED_FIFO, &fifo) || pin_to(FULL_CPU, FULL_CPU) ||
	    (!pinned && pin_to_range(0, 0, GUEST_CPUS)) ||
	    sched_setscheduler(0, SCHED_OTHER, &none))
		_exit(1);
	entry->begin = now();
	if (write(fd, "1", 1) != 1)
		_exit(1);
	entry->end = now();
	for (;;)
		pause();
}

/* It takes the full CPU once the other task has called the kernel, so many us later. */
static void __noreturn take_the_cpu(unsigned int us)
{
	const struct sched_param fifo = { .sched_priority = HOG_PRIO };

	if (pin_to(FULL_CPU, FULL_CPU) || sched_setscheduler(0, SCHED_FIFO, &fifo))
		_exit(1);
	while (!read_time(&entry->begin))
		usleep(us);
	usleep(us);
	for (;;)
		;
}

static bool is_back(void *unused)
{
	return read_time(&entry->end);
}

/* Returns after how many seconds it was back, or a negative number. */
static double round_of(const char *when, bool is_hog)
{
	pid_t pids[2];
	double took;
	int nr = 0;

	*entry = (struct entry){ };
	must_attach(SCHED_PILE);
	spawn(TASKS, 0, NULL);
	must_progress(60, "under the scheduler");
	if (is_hog) {
		pids[nr] = start_child("hog");
		if (!pids[nr++])
			take_the_cpu(1000);
		sleep_ms(SETTLE_MS);
	}
	pids[nr] = start_child("entering");
	if (!pids[nr++])
		enter_bypass(false);
	took = wait_for(is_back, NULL, LIMIT_SECONDS) ? entry->end - entry->begin : -1;
	info("%s: it is back after %.0f ms", when, took * 1000);
	end_children(pids, is_hog);
	if (took < 0)
		wait_for(is_back, NULL, LIMIT_SECONDS);
	hold_bypass(false);
	end_children(pids + is_hog, 1);
	kill_tasks();
	sched_must_go();
	return took;
}

/*
 * The task that enters bypass may run only where a real-time task has come, so it cannot deliver.
 * Then passes spread the others. How often that comes about depends on chance.
 */
static void enter_pinned(void)
{
	unsigned long long before;
	pid_t pids[2];
	int i, stuck = 0;

	for (i = 0; i < PINNED_ROUNDS; i++) {
		*entry = (struct entry){ };
		must_attach(SCHED_PILE);
		spawn(TASKS, 0, NULL);
		must_progress(60, "under the scheduler");
		pids[0] = start_child("hog");
		if (!pids[0])
			take_the_cpu(FIRST_US * (i + 1));
		pids[1] = start_child("entering");
		if (!pids[1])
			enter_bypass(true);
		sleep_ms(STUCK_MS);
		before = node_status(0).passes;
		if (bypass_is(true) && !is_back(NULL)) {
			stuck++;
			sleep_ms(PASSES_MS);
			check(node_status(0).passes > before,
			      "it cannot deliver: there are passes, %llu and %llu", before,
			      node_status(0).passes);
		}
		end_children(pids, 1);
		wait_for(is_back, NULL, LIMIT_SECONDS);
		hold_bypass(false);
		end_children(pids + 1, 1);
		kill_tasks();
		sched_must_go();
	}
	info("pinned, in %d of %d rounds it could not deliver", stuck, i);
}

static double median(const char *when, bool is_hog)
{
	double took[ROUNDS];
	int i;

	for (i = 0; i < ROUNDS; i++)
		took[i] = round_of(when, is_hog);
	sort_figures(took, ROUNDS);
	check(took[0] >= 0, "%s: it is back each time", when);
	return took[ROUNDS / 2];
}

static bool not_longer(double with, double without)
{
	return with >= 0 && with <= without;
}

static void case_entering(bool module)
{
	double without, beside_hog;

	hogs_may_run();
	entry = map_shared(sizeof(*entry));
	load_test_module();
	pin_to(GUEST_CPUS - 1, GUEST_CPUS - 1);
	without = median("without the module", false);
	beside_hog = median("without the module, beside a hog", true);
	module_load("");
	check(not_longer(median("with it", false), without),
	      "it does not take longer than without the module");
	check(not_longer(median("with it, beside a hog", true), beside_hog),
	      "nor if a real-time task takes the CPU meanwhile");
	enter_pinned();
	module_unload();
}

CASE(entering) = {
	.shows =
		"an ordinary task enters bypass on the fullest CPU: it is back as soon as without the module, also if a real-time task takes that CPU meanwhile",
	.machines = "counted",
};
