// SPDX-License-Identifier: GPL-2.0-only
/* affinity: tasks that the balancer must not move, and what it costs to find no other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab.h"

#define PINNED_TASKS	120
#define MAX_KTHREADS	64
/* of the guard, for as many passes, at an interval of 20 ms */
#define LOOKS_PER_PASS	5
#define WAKE_PASSES	20

/* On which CPU are the kernel threads whose name begins so? -1: not all on one. */
static int kthreads_on(const char *prefix, int *count)
{
	pid_t pids[MAX_KTHREADS];
	int i, cpu = -2;

	*count = find_tasks(prefix, pids, MAX_KTHREADS);
	for (i = 0; i < *count; i++) {
		int on = task_cpu_of(pids[i]);

		cpu = cpu == -2 || cpu == on ? on : -1;
	}
	return cpu;
}

/* How often were the CPUs of node 0, except the first, told to schedule? */
static unsigned long nr_told(void)
{
	unsigned long sum = 0;
	char line[1024], *at;
	int cpu;
	FILE *f;

	f = fopen("/proc/interrupts", "r");
	while (f && fgets(line, sizeof(line), f)) {
		at = strstr(line, "RES:");
		if (!at)
			continue;
		at += strlen("RES:");
		for (cpu = 0; cpu < CPUS_PER_NODE; cpu++) {
			unsigned long nr = strtoul(at, &at, 10);

			if (cpu)
				sum += nr;
		}
	}
	if (f)
		fclose(f);
	return sum;
}

/*
 * The guard wakes CPUs that idle while tasks wait, at each of its looks. If they take nothing,
 * fewer of them: they would only be in the way of the CPU that runs the tasks.
 */
static void check_wakeups(void)
{
	unsigned long long begin = node_status(0).passes, wanted = begin + WAKE_PASSES;
	unsigned long long passes;
	unsigned long hits;

	hits = nr_told();
	check(wait_for(passes_reached, &wanted, 60), "there are passes");
	hits = nr_told() - hits;
	passes = node_status(0).passes - begin;
	check(hits > passes && hits < passes * LOOKS_PER_PASS * (CPUS_PER_NODE - 1),
	      "idle CPUs that may not run them are left alone: %lu wakeups in %llu passes", hits,
	      passes);
}

static void case_affinity(bool module)
{
	unsigned long long passes, wanted;
	int cpu, count, i, away = 0, elsewhere = 0;
	struct node_status status;
	char name[32];

	load_test_module();
	module_load("bypass_lb_intv_us=20000");
	must_attach(SCHED_PILE);
	spawn_on(PINNED_TASKS, 0);
	must_progress(120, "under the scheduler");
	hold_bypass(true);
	/* under the scheduler they would crowd out the tasks of the pile */
	must_write(TEST_PARAM("pinned"), "40");

	passes = node_status(0).passes;
	wanted = passes + 20;
	check(wait_for(passes_reached, &wanted, 60),
	      "the balancer goes on with a queue of pinned tasks");
	report_queues("pinned to CPU 0");
	check(queue_length(0) > PINNED_TASKS, "the queue is long (%d)", queue_length(0));
	status = node_status(0);
	/* an unbound kworker may come by; a pinned task would be moved in each pass */
	check(status.delivered + status.moved < status.passes,
	      "no pinned task is moved (%llu + %llu moves, %llu passes)", status.delivered,
	      status.moved, status.passes);
	check_wakeups();
	for (i = 1; i < CPUS_PER_NODE; i++)
		elsewhere += queue_length(i);
	check(elsewhere < CPUS_PER_NODE, "no other CPU's queue has them (%d)", elsewhere);
	info("longest lock hold %llu ns", status.hold_max_ns);
	for (i = 0; i < PINNED_TASKS; i++)
		away += task_cpu_of(task_pid(i)) != 0;
	check(!away, "pinned tasks stay");
	cpu = kthreads_on("pinned/", &count);
	check(count == 40 && cpu == 0, "threads with migration disabled stay (%d on CPU %d)",
	      count, cpu);
	for (i = 0, away = 0; i < GUEST_CPUS; i++) {
		snprintf(name, sizeof(name), "ksoftirqd/%d", i);
		away += kthreads_on(name, &count) != i || count != 1;
	}
	check(!away, "per-CPU kernel threads stay");
	check(all_progress(300), "all tasks run in bypass");

	must_write(TEST_PARAM("pinned"), "0");
	leave_and_unload();
}

CASE(affinity) = {
	.shows =
		"pinned and migration-disabled tasks and per-CPU kernel threads stay, and cost nothing",
	.machines = "counted",
};
