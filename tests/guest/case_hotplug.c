// SPDX-License-Identifier: GPL-2.0-only
/*
 * hotplug: each CPU goes down and comes up again in bypass, while tasks that
 * the balancer has moved to it, or from it, have not been consumed yet.
 * offline: how long it takes to go down, without the module and with it.
 */
#include <stdlib.h>
#include <string.h>

#include "lab.h"

#define TASKS	120
#define ROUNDS	1
#define SAMPLES	(ROUNDS * (GUEST_CPUS - 1))
/* what the module may add to what the kernel takes, of CONFIG_HZ=250 */
#define TICKS	2
#define TICK_MS	4
/* and what the noise of the machine may */
#define NOISE	3

static void set_online(int cpu, bool online)
{
	int ret = set_cpu_online(cpu, online);

	check(!ret, "CPU %d goes %s (%s)", cpu, online ? "up" : "down", strerror(-ret));
}

/* All tasks on the first CPU of each node, and the balancer just begins. */
static void pile_up_again(void)
{
	hold_bypass(false);
	must_progress(120, "under the scheduler");
	hold_bypass(true);
	/* the first pass */
	sleep_ms(10);
}

static void case_hotplug(bool module)
{
	int cpu;

	load_test_module();
	module_load("bypass_lb_intv_us=4000");
	must_attach(SCHED_PILE);
	spawn(TASKS, 0, NULL);
	spawn(TASKS, 1, NULL);
	hold_bypass(true);

	for (cpu = 1; cpu < GUEST_CPUS; cpu++) {
		pile_up_again();
		check(total_queued() > TASKS && !sched_is_off(NULL), "%d tasks wait in bypass",
		      total_queued());
		set_online(cpu, false);
		check(all_progress(120), "without CPU %d all tasks run", cpu);
		set_online(cpu, true);
		check(all_progress(120), "with CPU %d again all tasks run", cpu);
		check(!read_long(TEST_PARAM("deaf")), "and irq_work is done on each CPU");
	}

	/* a whole node, and with it the CPU of its timer */
	pile_up_again();
	for (cpu = CPUS_PER_NODE; cpu < GUEST_CPUS; cpu++)
		set_online(cpu, false);
	check(all_progress(120), "without node 1 all tasks run");
	for (cpu = CPUS_PER_NODE; cpu < GUEST_CPUS; cpu++)
		set_online(cpu, true);
	check(all_progress(120), "with node 1 again all tasks run");

	hold_bypass(false);
	check(!total_queued(), "after bypass the bypass DSQs are empty");
	kill_tasks();
	sched_must_go();
	module_unload();
}

CASE(hotplug) = {
	.shows = "each CPU goes down and comes up in bypass, with tasks on its queue",
};

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Returns the median of the times, in ms. */
static double time_offline(const char *how)
{
	double took[SAMPLES];
	int round, cpu, nr = 0;

	for (round = 0; round < ROUNDS; round++) {
		for (cpu = 1; cpu < GUEST_CPUS; cpu++) {
			double begin;

			pile_up_again();
			begin = now();
			if (set_cpu_online(cpu, false))
				give_up("CPU %d does not go down", cpu);
			took[nr++] = (now() - begin) * 1e3;
			if (set_cpu_online(cpu, true))
				give_up("CPU %d does not come up", cpu);
		}
	}
	qsort(took, nr, sizeof(*took), by_value);
	info("%s: a CPU goes down in %.0f ms (median), %.0f ms (worst)", how, took[nr / 2],
	     took[nr - 1]);
	return took[nr / 2];
}

static void case_offline(bool module)
{
	double without, with;

	load_test_module();
	must_attach(SCHED_PILE);
	spawn(TASKS / 4, 0, NULL);
	spawn(TASKS / 4, 1, NULL);
	without = time_offline("without the module");
	hold_bypass(false);
	module_load("bypass_lb_intv_us=4000");
	with = time_offline("with it");
	check(with <= NOISE * without + TICKS * TICK_MS,
	      "with the module a CPU goes down as fast as without it");
	account_for_all(module);
}

CASE(offline) = {
	.shows = "with the module a CPU goes down as fast as without it",
	.targets = "fire",
};
