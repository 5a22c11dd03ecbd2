// SPDX-License-Identifier: GPL-2.0-only
/*
 * stuck: a CPU does not react at all, not even to interrupts, as one that polls with interrupts
 * off, or that a hypervisor does not run. The module's timers may be there. Tasks that wait there
 * must run elsewhere, as on the stock kernel, where all CPUs of a node look at one queue. Without
 * the module first, then with it.
 */
#include <stdio.h>

#include "lab.h"

#define STUCK		"scx_bypass_stuck"
#define STUCK_PARAM(name) "/sys/module/" STUCK "/parameters/" name
/* at most, below what the kernel reports */
#define STUCK_MS	"18000"
#define RUN_MS		1000
#define SETTLE_MS	100
#define TASKS		40
/* the driver stays on the other node */
#define DRIVER_CPU	7
/* the task that runs there, and one that the CPU has already picked */
#define LOST		2

static const char * const when_stuck[] = { "in bypass", "before bypass" };

static bool is_over(void *unused)
{
	return !read_long(STUCK_PARAM("cpu"));
}

/* -1: it ends */
static void get_stuck(int cpu)
{
	char number[8];

	snprintf(number, sizeof(number), "%d", cpu);
	must_write(STUCK_PARAM("cpu"), number);
}

/* Let all tasks run for a while, @cpu does not react. */
static void watch_beside(int cpu, bool before, struct waits *worst)
{
	struct waits waits;

	get_stuck(cpu);
	if (before)
		hold_bypass(true);
	/* the task that runs there makes its last step */
	sleep_ms(SETTLE_MS);
	waits = watch_tasks(RUN_MS);
	check(!is_over(NULL), "CPU %d was stuck for all the time", cpu);
	get_stuck(-1);
	check(wait_for(is_over, NULL, 120), "it is not stuck any more");
	check(all_progress(120), "all tasks run");
	if (waits.stuck > worst->stuck)
		worst->stuck = waits.stuck;
	if (waits.longest > worst->longest)
		worst->longest = waits.longest;
}

static struct waits beside_a_stuck_cpu(bool before)
{
	struct waits worst = { };
	int cpu;

	must_attach(SCHED_GLOBAL);
	spawn(TASKS / 2, 0, NULL);
	spawn(TASKS / 2, 1, NULL);
	must_progress(120, "under the scheduler");
	pin_to(DRIVER_CPU, DRIVER_CPU);
	if (before) {
		watch_beside(0, true, &worst);
	} else {
		hold_bypass(true);
		must_progress(120, "in bypass");
		/* one of them has the timers */
		for (cpu = 0; cpu < CPUS_PER_NODE && cpu < DRIVER_CPU; cpu++)
			watch_beside(cpu, false, &worst);
	}
	hold_bypass(false);
	pin_to_range(0, 0, GUEST_CPUS);
	kill_tasks();
	sched_must_go();
	return worst;
}

static void case_stuck(bool unused)
{
	struct waits without[ARRAY_SIZE(when_stuck)], with;
	unsigned int i;

	hogs_may_run();
	load_test_module();
	must_load(STUCK, "ms=" STUCK_MS);
	for (i = 0; i < ARRAY_SIZE(when_stuck); i++) {
		without[i] = beside_a_stuck_cpu(i);
		check(without[i].stuck <= LOST,
		      "stuck %s, without the module: %d tasks make no step", when_stuck[i],
		      without[i].stuck);
	}
	module_load("");
	for (i = 0; i < ARRAY_SIZE(when_stuck); i++) {
		with = beside_a_stuck_cpu(i);
		check(with.stuck <= LOST, "stuck %s, with it: %d tasks make no step", when_stuck[i],
		      with.stuck);
		info("the longest wait of the others is %u %% of the time, %u without the module",
		     with.longest, without[i].longest);
	}
	module_unload();
	must_unload(STUCK);
}

CASE(stuck) = {
	.shows =
		"a CPU does not react at all, before bypass and in it: the tasks that waited there run elsewhere, as without the module",
};
