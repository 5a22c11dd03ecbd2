// SPDX-License-Identifier: GPL-2.0-only
/*
 * One pass of a node's balancer: plan, move tasks from donors to donees, make the
 * donees pick again, report.
 *
 * Locks: the donor's rq, then the donor's DSQ, then the donee's DSQ, nested.
 * The first two are dropped after each batch of entries looked at, moved or
 * not; a cursor in the list keeps the place.
 */
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/timekeeping.h>
#include <linux/topology.h>

#include "balancer.h"
#include "bypass_dsq.h"
#include "kern.h"
#include "params.h"
#include "plan.h"
#include "record.h"

#define CREATE_TRACE_POINTS
#include <trace/events/scx_bypass_lb.h>

/**
 * lb_measure() - look how a node's tasks are spread over its bypass DSQs
 * @node: the node
 *
 * Context: any. Racy without the DSQs' locks.
 * Return: what it has seen.
 */
struct lb_load lb_measure(const struct lb_node *node)
{
	struct lb_load load = {};
	int cpu;

	for_each_cpu_and(cpu, node->cpus, cpu_online_mask)
		lb_load_add(&load, bypass_dsq_nr(cpu));
	return load;
}

/* Is the caller itself a task that runs on @cpu, and not an interrupt of one? */
static bool lb_runs_on(int cpu)
{
	return cpu == raw_smp_processor_id() &&
	       (IS_ENABLED(CONFIG_PREEMPT_RT) || !in_serving_softirq());
}

/**
 * lb_may_receive() - may tasks be moved to a CPU?
 * @cpu: the CPU
 *
 * Not to one where a task of a higher class runs or waits, other than the caller.
 *
 * Context: any, racy: preemptible, and the other CPU may change its mind at once.
 */
bool lb_may_receive(int cpu)
{
	return kern_cpu_schedulable(cpu) && kern_cpu_nr_others(cpu) <= lb_runs_on(cpu);
}

/**
 * lb_find_donee() - find a CPU that may take a task
 * @p: the task
 * @donees: CPUs that want some; one that cannot take any is removed
 *
 * A CPU that is going down is none, nor gives any: other CPUs take what it has
 * when they pick (guard.c).
 *
 * Context: as for bypass_dsq_may_move().
 * Return: the CPU, or -1.
 */
int lb_find_donee(struct task_struct *p, struct cpumask *donees)
{
	int donee;

	while ((donee = cpumask_any_and_distribute(donees, p->cpus_ptr)) < nr_cpu_ids) {
		if (kern_cpu_schedulable(donee))
			return bypass_dsq_may_move(p, donee) ? donee : -1;
		cpumask_clear_cpu(donee, donees);
	}
	return -1;
}

/*
 * Look at one batch of @donor's entries behind @cursor and move what can be
 * moved. Returns whether another batch is wanted.
 */
static bool lb_relieve_batch(struct lb_node *node, int donor, const struct lb_goal *goal,
			     struct scx_dsq_list_node *cursor, u32 *nr_moved)
{
	struct scx_dispatch_q *dsq = bypass_dsq(donor);
	int i;

	for (i = 0; i < LB_BATCH; i++) {
		struct task_struct *p;
		int donee;

		if (lb_is_relieved(goal, dsq->nr) || cpumask_empty(node->donees) ||
		    !cpu_active(donor))
			return false;

		p = bypass_dsq_next(dsq, &cursor->node);
		if (!p)
			return false;
		list_move(&cursor->node, &p->scx.dsq_list.node);

		/*
		 * Moved here earlier and not consumed since: its rq is another
		 * one, whose lock is not held.
		 */
		if (task_cpu(p) != donor)
			continue;
		donee = lb_find_donee(p, node->donees);
		if (donee < 0)
			continue;

		bypass_dsq_unlink(dsq, p);
		bypass_dsq_insert(bypass_dsq(donee), p, SCX_ENQ_NESTED);
		cpumask_set_cpu(donee, node->resched);
		if (!lb_is_donee(goal, bypass_dsq_nr(donee)))
			cpumask_clear_cpu(donee, node->donees);
		(*nr_moved)++;
	}
	return true;
}

static u32 lb_relieve(struct lb_node *node, int donor, const struct lb_goal *goal)
{
	struct scx_dispatch_q *dsq = bypass_dsq(donor);
	struct rq *rq = kern_cpu_rq(donor);
	struct scx_dsq_list_node cursor = {
		.node = LIST_HEAD_INIT(cursor.node),
		.flags = SCX_DSQ_LNODE_ITER_CURSOR,
	};
	u32 nr_moved = 0;
	bool more;

	do {
		u64 begin, held;

		kern_rq_lock_irq(rq);
		raw_spin_lock(&dsq->lock);
		begin = ktime_get_mono_fast_ns();

		if (list_empty(&cursor.node))
			list_add(&cursor.node, &dsq->list);
		more = lb_relieve_batch(node, donor, goal, &cursor, &nr_moved);
		if (!more)
			list_del_init(&cursor.node);

		held = ktime_get_mono_fast_ns() - begin;
		raw_spin_unlock(&dsq->lock);
		kern_rq_unlock_irq(rq);

		if (held > node->hold_max_ns)
			WRITE_ONCE(node->hold_max_ns, held);
		cpu_relax();
	} while (more);

	return nr_moved;
}

static u32 lb_move_tasks(struct lb_node *node, const struct lb_goal *goal)
{
	u32 nr_moved = 0;
	int cpu;

	cpumask_clear(node->donees);
	cpumask_clear(node->resched);

	for_each_cpu_and(cpu, node->cpus, cpu_active_mask)
		if (lb_is_donee(goal, bypass_dsq_nr(cpu)) && lb_may_receive(cpu))
			cpumask_set_cpu(cpu, node->donees);

	for_each_cpu_and(cpu, node->cpus, cpu_active_mask) {
		if (cpumask_empty(node->donees))
			break;
		/* its queue may have grown since: it would lock its own DSQ as the donee's */
		if (cpumask_test_cpu(cpu, node->donees))
			continue;
		if (lb_is_donor(goal, bypass_dsq_nr(cpu)))
			nr_moved += lb_relieve(node, cpu, goal);
	}

	for_each_cpu(cpu, node->resched)
		static_call(kern_resched_cpu)(cpu);

	return nr_moved;
}

/**
 * lb_pass() - balance the bypass DSQs of a node once
 * @node: the node
 *
 * Context: soft interrupt or timer thread, one at a time for each node, no
 * locks held. Takes rq and DSQ locks.
 */
void lb_pass(struct lb_node *node)
{
	struct lb_load before = lb_measure(node), after;
	struct lb_goal goal;
	u32 nr_moved;

	if (!before.nr_cpus)
		return;
	record_pass();

	goal = lb_plan(&before, READ_ONCE(bypass_lb_intv_us), READ_ONCE(slice_bypass_us));
	nr_moved = lb_move_tasks(node, &goal);
	after = lb_measure(node);

	WRITE_ONCE(node->nr_moved, node->nr_moved + nr_moved);
	WRITE_ONCE(node->last_cpu, raw_smp_processor_id());
	WRITE_ONCE(node->last_ns, ktime_get_mono_fast_ns());
	WRITE_ONCE(node->nr_passes, node->nr_passes + 1);

	trace_sched_ext_bypass_lb(node->node, before.nr_cpus, before.nr_tasks, nr_moved,
				  before.min, before.max, after.min, after.max);
}
