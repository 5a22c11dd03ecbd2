// SPDX-License-Identifier: GPL-2.0-only
/*
 * shapes: machines that the other cases do not have: a single CPU, a single node, nodes
 * that share CPUs (numa=fake). Tasks are balanced or left alone, CPUs go down and come up,
 * the module goes and comes in bypass.
 */
#include <stdio.h>
#include <string.h>

#include "lab.h"

#define TASKS		80
#define STIRS		20
#define STIR_MS		20
#define MAX_NODES	16
#define OFTEN		"bypass_lb_intv_us=1000"

/* All tasks to one CPU, and then free again, so that the passes of all nodes have work. */
static void pile_up_again(void)
{
	int i;

	for (i = 0; i < nr_tasks(); i++)
		pin_to_range(task_pid(i), 0, 1);
	for (i = 0; i < nr_tasks(); i++)
		pin_to_range(task_pid(i), 0, nr_cpus);
}

static void stir(void)
{
	int i;

	for (i = 0; i < STIRS * test_times; i++) {
		hold_bypass(true);
		pile_up_again();
		sleep_ms(STIR_MS);
		hold_bypass(false);
	}
	check(all_progress(120), "bypass came and went %d times: all tasks run", i);
	check(!total_queued(), "the bypass DSQs are empty");
}

static void flip(int cpu)
{
	check(!set_cpu_online(cpu, false), "CPU %d goes down", cpu);
	check(all_progress(120), "without it all tasks run");
	check(!set_cpu_online(cpu, true), "CPU %d comes up", cpu);
	check(all_progress(120), "with it all tasks run");
}

/* A node all of whose CPUs belong to another one is listed, but has nothing to balance. */
static void check_figures(void)
{
	unsigned long long moved = 0, passes = 0;
	int node;

	for (node = 0; node < MAX_NODES; node++) {
		struct node_status s;

		if (!node_is_listed(node))
			continue;
		s = node_status(node);
		info("node %d: delivered %llu, passes %llu, moved %llu, helped %llu", node,
		     s.delivered, s.passes, s.moved, s.helped);
		passes += s.passes;
		moved += s.delivered + s.moved;
	}
	check(passes, "there were %llu passes", passes);
	check(moved || nr_cpus == 1, "%llu tasks were moved", moved);
}

static void case_shapes(bool unused)
{
	info("%d CPUs", nr_cpus);
	load_test_module();
	module_load(OFTEN);
	must_attach(SCHED_PILE);
	spawn(TASKS, 0, NULL);
	must_progress(120, "under the scheduler");
	hold_bypass(true);
	check(all_progress(120), "in bypass all tasks run");
	check(queues_hold(TASKS / 2), "%d tasks wait on bypass DSQs", total_queued());
	if (nr_cpus > 1) {
		flip(1);
		flip(nr_cpus - 1);
	}

	module_unload();
	check(all_progress(120), "unloaded in bypass: all tasks run");
	check(!read_long(TEST_PARAM("stale")), "no task is on a bypass DSQ");
	module_load(OFTEN);
	check(all_progress(120), "loaded in bypass: all tasks run");
	hold_bypass(false);
	/* which needs a global DSQ that is empty as a CPU picks: perhaps not before bypass ends */
	check(wait_for(hooks_are_proven, NULL, 120), "the hooks are proven again");
	stir();
	check_figures();

	sched_press_sysrq();
	check(wait_for(sched_is_off, NULL, 120), "the scheduler goes");
	sched_detach();
	check(all_progress(120), "and all tasks run");
	kill_tasks();
	module_unload();
}

CASE(shapes) = {
	.shows = "one CPU, one node, and nodes that share CPUs",
	.variants = "one-cpu one-node shared-cpus",
	.machines = "one-cpu one-node shared-cpus",
};
