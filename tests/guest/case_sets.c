// SPDX-License-Identifier: GPL-2.0-only
/*
 * sets: tasks that may run on two CPUs of a node only, as those of a cpuset, all wait for one of
 * the two, while the others of the node have nothing. The two must share them, as on the stock
 * kernel, where both look at one queue. Without the module first, then with it.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdlib.h>

#include "lab.h"

/* the driver stays on another CPU */
#define DRIVER_CPU	(GUEST_CPUS - 1)
#define OFTEN		"bypass_lb_intv_us=4000"
#define TASKS		120
#define PILE_CPU	1
#define RUN_MS		4000
/* how much longer a task may wait than without the module, in percent of a run */
#define MORE		6
/* a quarter more than the other is not balanced, and the driver looks at one after the other */
#define SLACK		(TASKS / 5)

static bool is_even(void *other)
{
	int first = balanced_length(PILE_CPU), second = balanced_length(*(int *)other);

	return first + second > TASKS / 2 && abs(first - second) <= SLACK;
}

static struct waits in_set(bool module)
{
	int i, other = PILE_CPU + 1;
	struct waits waits;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(PILE_CPU, &set);
	must_attach(SCHED_GLOBAL);
	spawn_on(TASKS, PILE_CPU);
	must_progress(120, "on one CPU, under the scheduler");
	pin_to(DRIVER_CPU, DRIVER_CPU);
	hold_bypass(true);
	must_progress(120, "in bypass");
	/* the CPU on which passes run receives tasks as well */
	if (module)
		other = status_number("node0_last_pass_cpu");
	if (other == PILE_CPU)
		other++;
	CPU_SET(other, &set);
	/* a task that waits stays where it is when it may run elsewhere, too */
	for (i = 0; i < TASKS; i++)
		sched_setaffinity(task_pid(i), sizeof(set), &set);
	if (module) {
		check(wait_for(is_even, &other, 60), "the CPUs of the set share the tasks");
		info("CPU %d has %d, CPU %d has %d", PILE_CPU, balanced_length(PILE_CPU), other,
		     balanced_length(other));
		/* a task that is moved meanwhile waits anew */
		must_write(PARAM("bypass_lb_intv_us"), "0");
	}
	waits = watch_tasks(RUN_MS * test_times);
	spread_end();
	return waits;
}

static void case_sets(bool module)
{
	struct waits without, with;

	load_test_module();
	without = in_set(false);
	module_load(OFTEN);
	with = in_set(true);
	module_unload();
	check(!with.stuck, "with the module %d tasks make no step, without it %d", with.stuck,
	      without.stuck);
	check(with.longest <= without.longest + MORE,
	      "the longest wait is %u %% of the time, %u without the module", with.longest,
	      without.longest);
}

CASE(sets) = {
	.shows =
		"tasks that may run on two CPUs of a node wait for one of them: both run them, as without the module; also if interrupts are threaded",
	.variants = "module threadirqs",
	.machines = "counted threadirqs",
};
