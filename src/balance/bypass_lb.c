// SPDX-License-Identifier: GPL-2.0-only
/*
 * One pass of a node's balancer: plan, move tasks from donors to donees, make the
 * donees pick again, report.
 *
 * The names are those of 6.19's balancer. This one does more than that: it holds the
 * donor's rq lock while it moves tasks, and skips tasks whose rq is another one, because
 * dispatch_dequeue() of the older kernels reads p->scx.dsq under the rq's lock alone. It
 * counts entries that are looked at, not only those that are moved, until it drops the
 * locks; it gives nothing to a CPU where a task of a higher class runs; and it balances CPUs that
 * few tasks may use among themselves, though all of them have more than the mean.
 *
 * Locks: the donor's rq, then the donor's DSQ, then the donee's DSQ, nested.
 * The first two are dropped after each batch of entries looked at, moved or
 * not; a cursor in the list keeps the place.
 */
#include <linux/preempt.h>
#include <linux/timekeeping.h>

#include "balance/bypass_lb.h"
#include "kern/kern.h"
#include "queue/bypass_dsq.h"
#include "record/count.h"
#include "record/episode.h"

#define CREATE_TRACE_POINTS
#include <trace/events/scx_bypass_lb.h>

/**
 * bypass_lb_measure() - look how a node's tasks are spread over its bypass DSQs
 * @node: the node
 *
 * Context: any. Racy without the DSQs' locks.
 * Return: what it has seen.
 */
struct plan_load bypass_lb_measure(const struct lb_node *node)
{
	struct plan_load load = {};
	int cpu;

	for_each_cpu_and(cpu, node->cpus, cpu_online_mask)
		plan_add(&load, bypass_dsq_nr(cpu));
	return load;
}

/*
 * Is the caller itself a task that runs on @cpu, and not an interrupt of one? On PREEMPT_RT, and if
 * interrupts are threaded, timers run in a thread of their CPU. That is bound to it, as some are
 * that a soft interrupt may find there.
 */
static bool bypass_lb_runs_on(int cpu)
{
	if (cpu != raw_smp_processor_id())
		return false;
	return IS_ENABLED(CONFIG_PREEMPT_RT) || !in_serving_softirq() ||
	       (current->flags & (PF_NO_SETAFFINITY | PF_WQ_WORKER | PF_IDLE)) == PF_NO_SETAFFINITY;
}

/**
 * bypass_lb_may_receive() - may tasks be moved to a CPU?
 * @cpu: the CPU
 *
 * Not to one where a task of a higher class runs or waits, other than the caller.
 *
 * Context: any. Racy: it takes no lock, and what it finds may change at once.
 * Return: whether they may.
 */
bool bypass_lb_may_receive(int cpu)
{
	return kern_cpu_schedulable(cpu) && kern_cpu_nr_others(cpu) <= bypass_lb_runs_on(cpu);
}

/**
 * bypass_lb_find_donee() - find a CPU that may take a task
 * @p: the task
 * @donee_mask: CPUs that want some; one that cannot take any is removed
 *
 * A pass moves no task to or from a CPU that is going down. Other CPUs take its tasks when
 * they pick (help.c).
 *
 * Context: as for bypass_dsq_may_move().
 * Return: the CPU, or -1.
 */
int bypass_lb_find_donee(struct task_struct *p, struct cpumask *donee_mask)
{
	int donee;

	while ((donee = cpumask_any_and_distribute(donee_mask, p->cpus_ptr)) < nr_cpu_ids) {
		if (bypass_lb_may_receive(donee))
			return bypass_dsq_may_move(p, donee) ? donee : -1;
		cpumask_clear_cpu(donee, donee_mask);
	}
	return -1;
}

/* Find a CPU that wants @p, which waits on a DSQ with @nr tasks; -1 if there is none. */
static int bypass_lb_find_wanting(struct task_struct *p, struct lb_node *node,
				  const struct plan_goal *goal, u32 nr)
{
	struct cpumask *mask = node->pass.donee_mask;
	int donee;

	while ((donee = bypass_lb_find_donee(p, mask)) >= 0 &&
	       !plan_is_donee(goal, bypass_dsq_nr(donee), nr))
		cpumask_clear_cpu(donee, mask);
	return donee;
}

/*
 * Look at one batch of @donor's entries behind @cursor and move what can be
 * moved. Returns whether another batch is wanted.
 */
static bool bypass_lb_batch(struct lb_node *node, int donor, const struct plan_goal *goal,
			    struct scx_dsq_list_node *cursor, u32 *nr_balanced)
{
	struct scx_dispatch_q *dsq = bypass_dsq(donor);
	int i;

	for (i = 0; i < PLAN_BATCH; i++) {
		struct task_struct *p;
		int donee;

		if (plan_is_relieved(goal, dsq->nr) || cpumask_empty(node->pass.donee_mask) ||
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
		donee = bypass_lb_find_wanting(p, node, goal, dsq->nr);
		if (donee < 0)
			continue;

		bypass_dsq_unlink(dsq, p);
		bypass_dsq_insert(bypass_dsq(donee), p, 0, SINGLE_DEPTH_NESTING);
		cpumask_set_cpu(donee, node->pass.resched_mask);
		(*nr_balanced)++;
	}
	return true;
}

static u32 bypass_lb_cpu(struct lb_node *node, int donor, const struct plan_goal *goal)
{
	struct scx_dispatch_q *dsq = bypass_dsq(donor);
	struct rq *rq = kern_cpu_rq(donor);
	struct scx_dsq_list_node cursor = BYPASS_DSQ_CURSOR(cursor);
	u32 nr_balanced = 0;
	bool more;

	do {
		u64 begin;
		/* that clock may go back a little */
		s64 held;

		kern_rq_lock_irq(rq);
		raw_spin_lock(&dsq->lock);
		begin = ktime_get_mono_fast_ns();

		if (list_empty(&cursor.node))
			list_add(&cursor.node, &dsq->list);
		more = bypass_lb_batch(node, donor, goal, &cursor, &nr_balanced);
		if (!more)
			list_del_init(&cursor.node);

		held = ktime_get_mono_fast_ns() - begin;
		raw_spin_unlock(&dsq->lock);
		kern_rq_unlock_irq(rq);

		if (held > (s64)node->pass.hold_max_ns)
			WRITE_ONCE(node->pass.hold_max_ns, held);
		cpu_relax();
	} while (more);

	return nr_balanced;
}

/* Of a donor with @donor_nr tasks, which counts only if queues are made even. */
static void bypass_lb_find_donees(struct lb_node *node, const struct plan_goal *goal, u32 donor_nr)
{
	int cpu;

	cpumask_clear(node->pass.donee_mask);
	for_each_cpu_and(cpu, node->cpus, cpu_active_mask)
		if (plan_is_donee(goal, bypass_dsq_nr(cpu), donor_nr) && bypass_lb_may_receive(cpu))
			cpumask_set_cpu(cpu, node->pass.donee_mask);
}

/* From CPUs with more than their share to those with less. Returns how many tasks were moved. */
static u32 bypass_lb_fill(struct lb_node *node, const struct plan_goal *goal)
{
	u32 nr_balanced = 0;
	int cpu;

	bypass_lb_find_donees(node, goal, U32_MAX);
	for_each_cpu_and(cpu, node->cpus, cpu_active_mask) {
		if (cpumask_empty(node->pass.donee_mask))
			break;
		/* a donee whose queue has grown: as a donor it could lock its own DSQ twice */
		if (cpumask_test_cpu(cpu, node->pass.donee_mask))
			continue;
		if (plan_is_donor(goal, bypass_dsq_nr(cpu)))
			nr_balanced += bypass_lb_cpu(node, cpu, goal);
	}
	return nr_balanced;
}

/*
 * Tasks that may run on few CPUs, as those of a cpuset, can have more than the node's mean on each
 * of them. Whoever has still too many gives to those of these CPUs that have far fewer. CPUs below
 * the mean are not looked at again: they could take none of its tasks.
 */
static u32 bypass_lb_even(struct lb_node *node, struct plan_goal goal)
{
	u32 nr_balanced = 0;
	int cpu;

	goal.even = true;
	for_each_cpu_and(cpu, node->cpus, cpu_active_mask) {
		u32 nr = bypass_dsq_nr(cpu);

		/* what it has received is another run queue's: it cannot give it away */
		if (!plan_is_donor(&goal, nr) || cpumask_test_cpu(cpu, node->pass.resched_mask))
			continue;
		bypass_lb_find_donees(node, &goal, nr);
		/* its queue may have become shorter since: it would lock its own DSQ twice */
		cpumask_clear_cpu(cpu, node->pass.donee_mask);
		if (!cpumask_empty(node->pass.donee_mask))
			nr_balanced += bypass_lb_cpu(node, cpu, &goal);
	}
	return nr_balanced;
}

/**
 * bypass_lb_node() - balance the bypass DSQs of a node once
 * @node: the node
 * @intv_us: time from this pass to the next one, us
 * @slice_us: how long a task is assumed to run, us
 *
 * Context: soft interrupt or timer thread, not preemptible, one at a time for each node, no
 * locks held. Takes rq and DSQ locks.
 */
void bypass_lb_node(struct lb_node *node, unsigned int intv_us, unsigned int slice_us)
{
	struct plan_load before = bypass_lb_measure(node), after;
	struct plan_goal goal;
	u32 nr_balanced;
	int cpu;

	if (!before.nr_cpus)
		return;
	episode_pass();

	goal = plan_make(&before, intv_us, slice_us);
	cpumask_clear(node->pass.resched_mask);
	nr_balanced = bypass_lb_fill(node, &goal);
	nr_balanced += bypass_lb_even(node, goal);
	for_each_cpu(cpu, node->pass.resched_mask)
		static_call(kern_resched_cpu)(cpu);
	after = bypass_lb_measure(node);

	cpu = cpumask_first(node->cpus);
	count_add(cpu, COUNT_MOVED, nr_balanced);
	WRITE_ONCE(node->pass.last_cpu, raw_smp_processor_id());
	WRITE_ONCE(node->pass.last_ns, ktime_get_mono_fast_ns());
	count_add(cpu, COUNT_PASSES, 1);

	trace_sched_ext_bypass_lb(node->id, before.nr_cpus, before.nr_tasks, nr_balanced,
				  before.min, before.max, after.min, after.max);
}
