// SPDX-License-Identifier: GPL-2.0-only
/*
 * One pass of a node's balancer: plan, move tasks from donors to donees, kick
 * the donees, tell.
 *
 * Locks: the donor's rq, then the donor's DSQ, then the donee's DSQ, nested.
 * The first two are dropped after each batch of entries looked at, moved or
 * not; a cursor in the list keeps the place.
 */
#include <linux/mmu_context.h>
#include <linux/module.h>
#include <linux/timekeeping.h>
#include <linux/topology.h>

#include "balancer.h"
#include "bypass_dsq.h"
#include "kern.h"
#include "params.h"

#define CREATE_TRACE_POINTS
#include <trace/events/scx_bypass_lb.h>

/* entries looked at before the donor's locks are dropped */
#define LB_BATCH		256
/* a donor has more than this share of the mean, in percent */
#define LB_DONOR_PCT		125
/* a donor's excess must be worth this fraction of the interval */
#define LB_MIN_DELTA_DIV	4

/**
 * struct lb_load - how the tasks of a node are spread
 * @nr_cpus: CPUs that take part
 * @nr_tasks: tasks on their bypass DSQs
 * @min: the shortest of these queues
 * @max: the longest
 */
struct lb_load {
	u32 nr_cpus;
	u32 nr_tasks;
	u32 min;
	u32 max;
};

/**
 * struct lb_goal - what a pass aims at
 * @target: donees are filled up to this many tasks
 * @donor_target: donors are relieved down to this many
 * @min_excess: a donor has at least this many more than @donor_target
 */
struct lb_goal {
	u32 target;
	u32 donor_target;
	u32 min_excess;
};

static struct lb_load measure(const struct lb_node *node)
{
	struct lb_load load = { .min = U32_MAX };
	int cpu;

	for_each_cpu_and(cpu, cpumask_of_node(node->node), cpu_online_mask) {
		u32 nr = bypass_dsq_nr(cpu);

		load.nr_cpus++;
		load.nr_tasks += nr;
		load.min = min(load.min, nr);
		load.max = max(load.max, nr);
	}
	return load;
}

/*
 * A donor is worth relieving if its excess would keep it busy for a good part
 * of the interval; less than that sorts itself out.
 */
static struct lb_goal plan(const struct lb_load *load, u32 intv_us, u32 slice_us)
{
	struct lb_goal goal;

	goal.target = DIV_ROUND_UP(load->nr_tasks, load->nr_cpus);
	goal.donor_target = DIV_ROUND_UP_ULL((u64)goal.target * LB_DONOR_PCT, 100);
	goal.min_excess = DIV_ROUND_UP(intv_us / LB_MIN_DELTA_DIV, slice_us);
	return goal;
}

/*
 * Find a donee for @p, which waits on @donor's DSQ with both locked. A CPU
 * that is going down is none, nor gives any: what it has it must run itself.
 */
static int find_donee(struct task_struct *p, int donor, const struct cpumask *donees)
{
	int donee;

	/*
	 * Moved here earlier and not consumed since: its rq is another one,
	 * whose lock is not held.
	 */
	if (task_cpu(p) != donor)
		return -1;

	/* cpus_ptr may still show all CPUs while @p is being switched out */
	if (p->migration_disabled)
		return -1;

	donee = cpumask_any_and_distribute(donees, p->cpus_ptr);
	if (donee >= nr_cpu_ids || !kern_cpu_schedulable(donee) ||
	    !task_cpu_possible(donee, p))
		return -1;
	return donee;
}

/*
 * Look at one batch of @donor's entries behind @cursor and move what can be
 * moved. Returns whether another batch is wanted.
 */
static bool relieve_batch(struct lb_node *node, int donor, const struct lb_goal *goal,
			  struct scx_dsq_list_node *cursor, u32 *nr_moved)
{
	struct scx_dispatch_q *dsq = bypass_dsq(donor);
	int i;

	for (i = 0; i < LB_BATCH; i++) {
		struct task_struct *p;
		int donee;

		if (dsq->nr <= goal->donor_target || cpumask_empty(node->donees) ||
		    !cpu_active(donor))
			return false;

		p = bypass_dsq_next(dsq, &cursor->node);
		if (!p)
			return false;
		list_move(&cursor->node, &p->scx.dsq_list.node);

		donee = find_donee(p, donor, node->donees);
		if (donee < 0)
			continue;

		bypass_dsq_unlink(dsq, p);
		bypass_dsq_insert(bypass_dsq(donee), p, SCX_ENQ_NESTED);
		cpumask_set_cpu(donee, node->kicks);
		if (bypass_dsq_nr(donee) >= goal->target)
			cpumask_clear_cpu(donee, node->donees);
		(*nr_moved)++;
	}
	return true;
}

static u32 relieve(struct lb_node *node, int donor, const struct lb_goal *goal)
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
		more = relieve_batch(node, donor, goal, &cursor, &nr_moved);
		if (!more)
			list_del_init(&cursor.node);

		held = ktime_get_mono_fast_ns() - begin;
		raw_spin_unlock(&dsq->lock);
		kern_rq_unlock_irq(rq);

		node->hold_max_ns = max(node->hold_max_ns, held);
		cpu_relax();
	} while (more);

	return nr_moved;
}

static u32 move_tasks(struct lb_node *node, const struct lb_goal *goal)
{
	const struct cpumask *cpus = cpumask_of_node(node->node);
	u32 nr_moved = 0;
	int cpu;

	cpumask_clear(node->donees);
	cpumask_clear(node->kicks);

	for_each_cpu_and(cpu, cpus, cpu_active_mask)
		if (bypass_dsq_nr(cpu) < goal->target)
			cpumask_set_cpu(cpu, node->donees);

	for_each_cpu_and(cpu, cpus, cpu_active_mask) {
		u32 nr = bypass_dsq_nr(cpu);

		if (cpumask_empty(node->donees))
			break;
		if (nr > goal->donor_target && nr - goal->donor_target >= goal->min_excess)
			nr_moved += relieve(node, cpu, goal);
	}

	for_each_cpu(cpu, node->kicks)
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
	struct lb_load before = measure(node), after;
	struct lb_goal goal;
	u32 nr_moved;

	if (!before.nr_cpus)
		return;

	goal = plan(&before, READ_ONCE(bypass_lb_intv_us), READ_ONCE(slice_bypass_us));
	nr_moved = move_tasks(node, &goal);
	after = measure(node);

	node->nr_moved += nr_moved;
	node->last_cpu = raw_smp_processor_id();
	node->last_ns = ktime_get_mono_fast_ns();
	node->nr_passes++;

	trace_sched_ext_bypass_lb(node->node, before.nr_cpus, before.nr_tasks, nr_moved,
				  before.min, before.max, after.min, after.max);
}
