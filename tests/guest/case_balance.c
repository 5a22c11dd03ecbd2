// SPDX-License-Identifier: GPL-2.0-only
/* skew, nodes: where the balancer puts tasks. */
#include <stdlib.h>

#include "lab.h"
#include "../sim/sim.h"

#define SKEW_TASKS	120
/* more than so many stay piled up, although each CPU of the node takes a few when it has run dry */
#define STILL_PILED	(SKEW_TASKS - 4 * CPUS_PER_NODE)
/* where the driver is no task is sent, because it is a real-time task */
#define LARGEST_SHARE	(SKEW_TASKS / (GUEST_CPUS - 1) * 5 / 4)
/* of each of which half a queue is a donor's least excess, or more */
#define LONG_INTV	"1000000"
#define LONG_INTV_S	1.0
/* no pass comes while tasks are piled up, however slow the kernel is */
#define LONGEST_INTV	"10000000"
/* tasks that come and go while the pass works */
#define SIM_SLACK	6

/* Enter bypass with @nr tasks on the first CPU of node 0, which may run anywhere. */
static void pile_up(int nr)
{
	must_attach(SCHED_PILE);
	spawn(nr, 0, NULL);
	must_progress(120, "under the scheduler");
	trace_passes(true);
	/* a CPU that the driver keeps busy would not serve its queue, and others would */
	pin_to(GUEST_CPUS - 1, GUEST_CPUS - 1);
	hold_bypass(true);
}

/*
 * What the tracepoint has shown of node 0, as one event: tasks are delivered across nodes, and
 * then perhaps some within each. The nodes' events come in any order.
 */
static bool shown_of_node_0(void *event)
{
	struct pass_event e[MAX_PASSES], *sum = event;
	int i, n = read_passes(e, MAX_PASSES), nr = 0;

	for (i = 0; i < n; i++) {
		if (e[i].node)
			continue;
		if (!nr++) {
			*sum = e[i];
			continue;
		}
		sum->nr_balanced += e[i].nr_balanced;
		sum->after_min = e[i].after_min;
		sum->after_max = e[i].after_max;
	}
	return nr;
}

/*
 * Is no CPU above the donor target while another is below target? What runs
 * while one looks comes and goes: @slack tasks more or less do not count.
 */
static bool spread(int tasks, int shortest, int longest, int slack)
{
	int target = (tasks + CPUS_PER_NODE - 1) / CPUS_PER_NODE;
	int donor_target = (target * 125 + 99) / 100;

	return longest <= donor_target + slack || shortest >= target - slack;
}

/* Does the simulator make of the same queues what the balancer has made of them? */
static void compare_with_simulator(const struct pass_event *e)
{
	struct sim *sim = sim_new(CPUS_PER_NODE, MAX_TASKS);
	struct sim_pass pass;
	unsigned int i;

	if (!sim || e->nr_tasks > MAX_TASKS)
		give_up("the simulator cannot have %u tasks", e->nr_tasks);
	for (i = 0; i < e->nr_tasks; i++)
		sim_add(sim, i < e->before_max ? 0 : 1, 0, CPUS_PER_NODE - 1);
	pass = sim_pass(sim, LONG_INTV_S * 1000000, 5000);
	sim_free(sim);
	info("simulated: moved %llu, after %u-%u", (unsigned long long)pass.moved,
	     pass.after.min, pass.after.max);
	check(abs((int)pass.moved - (int)e->nr_balanced) <= SIM_SLACK &&
	      abs((int)pass.after.min - (int)e->after_min) <= SIM_SLACK &&
	      abs((int)pass.after.max - (int)e->after_max) <= SIM_SLACK,
	      "the simulator says the same");
}

static bool node_is_spread(int node, int slack)
{
	int sum = 0, shortest = MAX_TASKS, longest = 0, i;

	for (i = 0; i < CPUS_PER_NODE; i++) {
		int q = queue_length(node * CPUS_PER_NODE + i);

		sum += q;
		shortest = q < shortest ? q : shortest;
		longest = q > longest ? q : longest;
	}
	return spread(sum, shortest, longest, slack);
}

/* Does each CPU of the first node have some of the tasks? */
static bool all_cpus_have_some(void *unused)
{
	bool has[GUEST_CPUS] = {};
	int i, cpu, having = 0;

	for (i = 0; i < nr_tasks(); i++) {
		cpu = task_cpu_of(task_pid(i));
		if (cpu >= 0)
			has[cpu] = true;
	}
	for (i = 0; i < CPUS_PER_NODE; i++)
		having += has[i];
	return having == CPUS_PER_NODE;
}

/*
 * Without the module the tasks of a node are not on any CPU's queue, so for a
 * control the balancer is off. CPUs that have run dry take a task each.
 */
static void stay_piled_up(void)
{
	int before, after;

	module_load("bypass_lb_intv_us=0");
	pile_up_in_bypass(SKEW_TASKS, false);
	before = queue_length(0);
	sleep_ms(3000);
	after = queue_length(0);
	report_queues("interval 0");
	check(before > SKEW_TASKS * 9 / 10, "all wait for CPU 0 (%d)", before);
	check(after > STILL_PILED, "3 s later they still do (%d)", after);
	check(wait_for(all_cpus_have_some, NULL, 60), "the other CPUs of the node took some");
	check(node_status(0).helped, "and are counted (%llu)", node_status(0).helped);
	check(!node_status(0).passes, "there was no pass");
	leave_and_unload();
}

/* What the tracepoint shows of the queues is as it should be. */
static void check_event(const struct pass_event *e, unsigned long long moved)
{
	info("shown: tasks %u moved %u before %u-%u after %u-%u", e->nr_tasks, e->nr_balanced,
	     e->before_min, e->before_max, e->after_min, e->after_max);
	check((int)e->nr_cpus == CPUS_PER_NODE && e->nr_tasks > SKEW_TASKS * 9 / 10 &&
	      (int)e->before_max > STILL_PILED && e->before_min < 10,
	      "the tracepoint shows the skew before");
	check(spread(e->nr_tasks, e->after_min, e->after_max, 2),
	      "after it no CPU is above the donor target while one is below target");
	check(e->nr_balanced && e->nr_balanced == moved,
	      "and as many moves as the status file (%llu)", moved);
}

static void spread_by_pass(void)
{
	struct node_status first;
	struct pass_event e;
	double begun;

	module_load("bypass_lb_intv_us=" LONGEST_INTV);
	pile_up_in_bypass(SKEW_TASKS, false);
	trace_passes(true);
	/* to no CPU where the driver is at this moment; from this one they only go away */
	pin_to(0, 0);
	begun = now();
	must_write(PARAM("bypass_lb_intv_us"), LONG_INTV);
	if (!wait_for(shown_of_node_0, &e, 30))
		give_up("there is no pass");
	pin_to_range(0, 0, GUEST_CPUS);
	first = node_status(0);
	report_queues("after the first pass");
	check(all_progress(120), "all tasks run in bypass");

	check(e.time - begun < LONG_INTV_S / 2,
	      "a pass comes at once, not an interval later (%.3f s)", e.time - begun);
	check_event(&e, first.moved);
	compare_with_simulator(&e);
	info("longest lock hold %llu ns", first.hold_max_ns);
	leave_and_unload();
}

/*
 * As bypass begins tasks are delivered to other run queues, and no pass moves any. The
 * other node has none, so it receives its share.
 */
static void spread_by_delivery(void)
{
	struct node_status status;
	struct pass_event e = {};
	int most;

	module_load("bypass_lb_intv_us=" LONG_INTV);
	pile_up(SKEW_TASKS);
	most = most_on_run_queue();
	status = node_status(0);
	report_queues("as bypass has begun");
	check(most <= LARGEST_SHARE, "each run queue has its share of the tasks (%d)", most);
	check(shown_of_node_0(&e), "tasks were delivered as bypass began");
	check_event(&e, status.delivered);
	check(all_progress(120), "all tasks run in bypass");
	status = node_status(0);
	check(status.passes && !status.moved, "%llu passes have moved none (%llu)",
	      status.passes, status.moved);
	leave_and_unload();
}

static void case_skew(bool module)
{
	load_test_module();
	if (!module) {
		stay_piled_up();
		return;
	}
	spread_by_pass();
	spread_by_delivery();
}

CASE(skew) = {
	.shows =
		"all tasks on one CPU: as bypass begins they are delivered to the others; tasks piled up in bypass are spread by a pass, and without passes they stay",
	.variants = "control module",
	.machines = "counted",
};

static bool both_met(void *unused)
{
	return read_long(TEST_PARAM("met"));
}

static void case_nodes(bool module)
{
	bool own_cpu[2] = { true, true };
	struct pass_event e[MAX_PASSES];
	int per_node[2] = { 0, 0 };
	int strays = 0, first, i, n;

	load_test_module();
	module_load("bypass_lb_intv_us=100000");
	first = nr_tasks();
	pile_up_in_bypass(SKEW_TASKS / 2, true);
	trace_passes(true);

	must_write(TEST_PARAM("meet"), "1");
	check(wait_for(both_met, NULL, 30), "the passes of both nodes run at the same time");
	sleep_ms(1000);
	report_queues("two nodes");
	/* an excess of less than 5 is not worth moving at this interval */
	check(node_is_spread(0, 5 + 2) && node_is_spread(1, 5 + 2), "both nodes are balanced");
	check(all_progress(120), "all tasks run in bypass");
	for (i = 0; i < SKEW_TASKS; i++)
		strays += task_cpu_of(task_pid(first + i)) / CPUS_PER_NODE != i / (SKEW_TASKS / 2);
	check(!strays, "no task has crossed nodes (%d)", strays);

	n = read_passes(e, MAX_PASSES);
	for (i = 0; i < n; i++) {
		if (e[i].node > 1)
			continue;
		per_node[e[i].node]++;
		if (e[i].cpu / CPUS_PER_NODE != (int)e[i].node)
			own_cpu[e[i].node] = false;
	}
	info("passes: node 0 %d, node 1 %d", per_node[0], per_node[1]);
	check(per_node[0] && per_node[1], "each node has passes of its own");
	check(own_cpu[0] && own_cpu[1], "every pass ran on a CPU of its node");
	must_write(TEST_PARAM("meet"), "0");
	leave_and_unload();
}

CASE(nodes) = {
	.shows = "each node is balanced on its own CPUs, both at the same time; no pass crosses",
	.machines = "counted",
};
