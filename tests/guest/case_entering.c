// SPDX-License-Identifier: GPL-2.0-only
/*
 * entering: an ordinary task enters bypass, as one that suspends the machine does. It may be
 * preempted as soon as the kernel has queued all tasks again, and then waits with them, on the
 * CPU that has most of them. Without the module first, then with it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <unistd.h>

#include "lab.h"

#define TASKS		60
/* where all tasks are piled up */
#define FULL_CPU	0
#define SETTLE_MS	20
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

/* It is on the full CPU, and free to go. */
static void __noreturn enter_bypass(void)
{
	int fd = open(TEST_PARAM("hold"), O_WRONLY);

	if (fd < 0 || set_priority(0, 1) || pin_to(FULL_CPU, FULL_CPU) ||
	    pin_to_range(0, 0, GUEST_CPUS) || set_priority(0, 0))
		_exit(1);
	entry->begin = now();
	if (write(fd, "1", 1) != 1)
		_exit(1);
	entry->end = now();
	for (;;)
		pause();
}

/* It takes the full CPU once the other task has called the kernel. */
static void __noreturn take_the_cpu(void)
{
	if (pin_to(FULL_CPU, FULL_CPU) || set_priority(0, HOG_PRIO))
		_exit(1);
	while (!read_time(&entry->begin))
		usleep(1000);
	usleep(1000);
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
	sleep_ms(SETTLE_MS);
	if (is_hog) {
		pids[nr] = start_child("hog");
		if (!pids[nr++])
			take_the_cpu();
		sleep_ms(SETTLE_MS);
	}
	pids[nr] = start_child("entering");
	if (!pids[nr++])
		enter_bypass();
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
	without = round_of("without the module", false);
	beside_hog = round_of("without the module, beside a hog", true);
	check(without >= 0 && beside_hog >= 0, "without the module it is back each time");
	module_load("");
	check(not_longer(round_of("with it", false), without),
	      "it does not take longer than without the module");
	check(not_longer(round_of("with it, beside a hog", true), beside_hog),
	      "nor if a real-time task takes the CPU meanwhile");
	module_unload();
}

CASE(entering) = {
	.shows =
		"an ordinary task enters bypass on the fullest CPU: it is back as soon as without the module, also if a real-time task takes that CPU meanwhile",
	.machines = "counted",
};
