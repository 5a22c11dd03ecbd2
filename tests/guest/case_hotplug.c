// SPDX-License-Identifier: GPL-2.0-only
/*
 * hotplug: each CPU goes down and comes up again in bypass, while tasks that
 * the balancer has moved to it, or from it, have not been consumed yet.
 */
#include <string.h>

#include "lab.h"

#define TASKS	120

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

void case_hotplug(bool module)
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
	sched_detach();
	check(wait_for(sched_is_off, NULL, 60), "the scheduler goes");
	module_unload();
}
