// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tasks are spread while bypass begins.
 *
 * scx_bypass() queues every task that waits again, CPU by CPU. Those that a
 * first pass of the balancer would move are queued there at once where it would
 * have them: that needs no second look at them, no two locks, and no tick to be
 * waited for. What a CPU gives and takes follows the plan of a pass, made of how
 * many tasks each run queue has before.
 *
 * Whoever runs scx_bypass() makes the plan and is the only one to follow it. What
 * others queue meanwhile waits on its own CPU. A plan that time has overtaken does
 * no harm: where a task may be queued is looked at for each of them.
 */
#include <linux/module.h>
#include <linux/topology.h>

#include "balancer.h"
#include "bypass_dsq.h"
#include "kern.h"
#include "params.h"
#include "plan.h"
#include "spread.h"

#include <trace/events/scx_bypass_lb.h>

/* who makes bypass begin; nobody else looks at what is below */
struct task_struct *spreader;

/* how many tasks a CPU keeps, and how many it may still receive */
struct spread_share {
	u32 keep;
	u32 room;
};

static DEFINE_PER_CPU(struct spread_share, shares);

/*
 * Donors and donees are those of a pass. But a donor is relieved down to the
 * mean: tasks that others wake meanwhile may come back to it, and to give is
 * cheap here.
 */
static void plan_node(struct lb_node *node, u32 intv_us)
{
	const struct cpumask *cpus = cpumask_of_node(node->node);
	struct lb_load load = {};
	struct lb_goal goal;
	int cpu;

	cpumask_clear(node->vacant);
	node->nr_spread_now = 0;
	for_each_cpu_and(cpu, cpus, cpu_online_mask)
		lb_load_add(&load, kern_cpu_nr_tasks(cpu));
	if (!load.nr_tasks)
		return;
	node->planned = load;

	goal = lb_plan(&load, intv_us, READ_ONCE(slice_bypass_us));
	for_each_cpu(cpu, cpus) {
		struct spread_share *share = per_cpu_ptr(&shares, cpu);
		u32 nr = kern_cpu_nr_tasks(cpu);

		share->keep = lb_is_donor(&goal, nr) ? goal.target : U32_MAX;
		share->room = cpu_active(cpu) && lb_is_donee(&goal, nr) ? goal.target - nr : 0;
		if (share->room)
			cpumask_set_cpu(cpu, node->vacant);
	}
}

/**
 * spread_begin() - plan who waits where in the bypass that is about to begin
 *
 * If two make it begin at the same time, one of them does nothing here.
 *
 * Context: process.
 */
void spread_begin(void)
{
	u32 intv_us = READ_ONCE(bypass_lb_intv_us);
	int node;

	if (!READ_ONCE(spread_early) || !intv_us || cmpxchg(&spreader, NULL, current))
		return;
	for_each_node_state(node, N_CPU)
		plan_node(balancer_node(node), intv_us);
}

/**
 * spread_find() - where is a task to wait, while bypass begins?
 * @p: the task, which is about to be queued
 *
 * A CPU that is going down neither gives nor takes, see lb_find_donee().
 *
 * Context: the task that has called spread_begin(), or an interrupt of its CPU;
 * as for bypass_dsq_insert().
 * Return: the CPU on whose bypass DSQ it waits.
 */
int spread_find(struct task_struct *p)
{
	int own = task_cpu(p), cpu;
	struct lb_node *node;

	if (bypass_dsq_nr(own) < per_cpu(shares, own).keep || !cpu_active(own))
		return own;

	node = balancer_node(cpu_to_node(own));
	cpu = lb_find_donee(p, node->vacant);
	if (cpu < 0)
		return own;

	if (!--per_cpu(shares, cpu).room)
		cpumask_clear_cpu(cpu, node->vacant);
	node->nr_spread_now++;
	return cpu;
}

/**
 * spread_end() - bypass has begun, all tasks are queued
 *
 * Reports what has been spread as a pass does.
 *
 * Context: process. Does nothing for who has not called spread_begin().
 */
void spread_end(void)
{
	int i;

	if (READ_ONCE(spreader) != current)
		return;
	for_each_node_state(i, N_CPU) {
		struct lb_node *node = balancer_node(i);
		struct lb_load before = node->planned, after;

		if (!node->nr_spread_now)
			continue;
		WRITE_ONCE(node->nr_spread, node->nr_spread + node->nr_spread_now);
		after = lb_measure(node);
		trace_sched_ext_bypass_lb(i, before.nr_cpus, before.nr_tasks,
					  node->nr_spread_now, before.min, before.max,
					  after.min, after.max);
	}
	WRITE_ONCE(spreader, NULL);
}
