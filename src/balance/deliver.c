// SPDX-License-Identifier: GPL-2.0-only
/*
 * As soon as bypass has begun, the tasks that wait are delivered: from CPUs with more
 * than an even share of their node to CPUs with less. This is done once in each bypass. If
 * one node has many more tasks per CPU than another, the share is that of the machine.
 *
 * Unlike a pass of the balancer this moves a task to the other CPU's run queue, as the
 * kernel's own move_remote_task_to_local_dsq() does. So when a scheduler is unloaded, the
 * fair class gets run queues of even length. By itself it takes seconds to spread hundreds
 * of tasks of one CPU, and delays RCU grace periods for as long.
 *
 * Locks: the donor's rq, then its DSQ's lock, to choose a batch of tasks. With the rq
 * still locked they are dequeued. From then on no other CPU changes them, because their
 * on_rq is TASK_ON_RQ_MIGRATING. The rq's lock is dropped and each task is put on its new rq,
 * under that one's lock. Interrupts stay off for the whole batch, so a CPU that was active
 * as a task was chosen can only go offline after that.
 */
#include <linux/bitops.h>
#include <linux/sched.h>
#include <linux/topology.h>

#include "balance/bypass_lb.h"
#include "balance/deliver.h"
#include "kern/kern.h"
#include "queue/bypass_dsq.h"
#include "record/count.h"

#include <trace/events/scx_bypass_lb.h>

/*
 * Tasks moved, and entries looked at, before the donor's locks are dropped. A CPU that
 * locks a task's rq spins while the task migrates, so the batches are small.
 */
#define DELIVER_BATCH	8
#define DELIVER_SCAN	64

/* A node is much fuller than another if its CPUs have more than so many times as many tasks. */
#define DELIVER_FULLER	2
/* a delivery takes some milliseconds, unless the task that does it cannot run */
#define DELIVER_JIFFIES	DIV_ROUND_UP(HZ, 20)

/* The task that sets this bit delivers. It owns all that is below. */
static unsigned long deliver_busy;
/* for so long passes wait for the task that delivers, jiffies */
static unsigned long deliver_until;

/* of the CPUs among which tasks are delivered, those that may still receive some */
static struct cpumask deliver_vacant;

/* how many tasks a CPU may still receive */
static DEFINE_PER_CPU(u32, deliver_room);

/**
 * struct deliver_batch - tasks to be moved with the donor's rq locked once
 * @p: the tasks
 * @cpu: where to
 * @nr: how many
 */
struct deliver_batch {
	struct task_struct *p[DELIVER_BATCH];
	int cpu[DELIVER_BATCH];
	unsigned int nr;
};

/**
 * struct deliver_walk - one walk along a donor's DSQ
 * @cursor: where it is
 * @want: how many tasks are still to be moved
 * @nr: of every @nr tasks on its way, @stay are left there
 * @stay: see @nr
 * @due: grows by @stay for each task; one stays whenever it reaches @nr
 *
 * The tasks that stay are taken from all of the DSQ, not from its end. A scheduler that
 * is unloaded hands its tasks over to the fair class one by one, in their order. If all
 * tasks of one CPU came together, the fair class would have nothing on the other CPUs at
 * that moment, and would pull these tasks there.
 */
struct deliver_walk {
	struct scx_dsq_list_node cursor;
	u32 want;
	u32 nr;
	u32 stay;
	u32 due;
};

static bool deliver_stays(struct deliver_walk *walk)
{
	walk->due += walk->stay;
	if (walk->due < walk->nr)
		return false;
	walk->due -= walk->nr;
	return true;
}

/*
 * May @p wait on @cpu? Another node's CPUs must all be allowed to run it: only they take it if
 * @cpu does not serve it (help.c), and on its own node others might have.
 */
static bool deliver_may_wait(struct task_struct *p, int cpu)
{
	const struct cpumask *cpus = lb_nodes[cpu_to_node(cpu)]->cpus;
	int other;

	if (cpumask_test_cpu(task_cpu(p), cpus))
		return true;
	for_each_cpu_andnot(other, cpus, p->cpus_ptr)
		if (cpu_active(other))
			return false;
	return true;
}

/*
 * Choose tasks of @dsq behind the cursor. The donor's rq is locked. Returns whether there
 * is more to look at.
 */
static bool deliver_choose(struct scx_dispatch_q *dsq, int donor, struct deliver_walk *walk,
			   struct deliver_batch *batch)
{
	u32 most = min_t(u32, walk->want, DELIVER_BATCH);
	bool more = true;
	int i;

	lockdep_assert_irqs_disabled();
	batch->nr = 0;
	raw_spin_lock(&dsq->lock);
	if (list_empty(&walk->cursor.node))
		list_add(&walk->cursor.node, &dsq->list);

	for (i = 0; i < DELIVER_SCAN && batch->nr < most; i++) {
		struct task_struct *p = bypass_dsq_next(dsq, &walk->cursor.node);
		int cpu;

		/* not from one that is going down, see bypass_lb_find_donee() */
		if (!p || cpumask_empty(&deliver_vacant) || !cpu_active(donor)) {
			more = false;
			break;
		}
		list_move(&walk->cursor.node, &p->scx.dsq_list.node);
		/* a pass has moved it here; its rq is another one and not locked */
		if (task_cpu(p) != donor || deliver_stays(walk))
			continue;
		cpu = bypass_lb_find_donee(p, &deliver_vacant);
		if (cpu < 0 || !deliver_may_wait(p, cpu))
			continue;
		if (!--per_cpu(deliver_room, cpu))
			cpumask_clear_cpu(cpu, &deliver_vacant);
		batch->p[batch->nr] = p;
		batch->cpu[batch->nr++] = cpu;
	}
	walk->want -= batch->nr;
	if (!walk->want)
		more = false;
	if (!more)
		list_del_init(&walk->cursor.node);
	raw_spin_unlock(&dsq->lock);
	return more;
}

/*
 * Move up to @want tasks off a DSQ of @donor: @want of each @nr that the walk comes to. Returns
 * how many were moved.
 *
 * A chosen task stays chosen until it is dequeued: another CPU may unlink it from the
 * DSQ meanwhile, but can only take it with the donor's rq locked.
 */
static u32 deliver_from(struct scx_dispatch_q *dsq, int donor, u32 want, u32 nr)
{
	struct deliver_walk walk = {
		.cursor = BYPASS_DSQ_CURSOR(walk.cursor),
		.want = want,
		.nr = nr,
		.stay = nr > want ? nr - want : 0,
	};
	struct rq *rq = kern_cpu_rq(donor);
	struct deliver_batch batch;
	unsigned int i;
	bool more;

	if (!want || !nr)
		return 0;
	do {
		kern_rq_lock_irq(rq);
		more = deliver_choose(dsq, donor, &walk, &batch);
		for (i = 0; i < batch.nr; i++) {
			static_call(kern_deactivate_task)(rq, batch.p[i], 0);
			static_call(kern_set_task_cpu)(batch.p[i], batch.cpu[i]);
		}
		kern_rq_unlock(rq);

		/* the hook of dispatch_enqueue() queues it there, and wakes that CPU */
		for (i = 0; i < batch.nr; i++) {
			struct rq *dst = kern_cpu_rq(batch.cpu[i]);

			kern_rq_lock(dst);
			static_call(kern_activate_task)(dst, batch.p[i], 0);
			kern_rq_unlock(dst);
		}
		local_irq_enable();
		cond_resched();
	} while (more);

	return want - walk.want;
}

/**
 * struct deliver_load - what active CPUs have
 * @nr_tasks: tasks of sched_ext on their run queues
 * @nr_cpus: how many CPUs these are
 * @nr_receivers: how many of them may receive tasks
 */
struct deliver_load {
	u32 nr_tasks;
	u32 nr_cpus;
	u32 nr_receivers;
};

static struct deliver_load deliver_measure(const struct cpumask *cpus)
{
	struct deliver_load load = {};
	int cpu;

	for_each_cpu_and(cpu, cpus, cpu_active_mask) {
		load.nr_tasks += kern_cpu_nr_tasks(cpu);
		load.nr_receivers += bypass_lb_may_receive(cpu);
		load.nr_cpus++;
	}
	return load;
}

/**
 * struct deliver_plan - how many tasks each CPU is to have
 * @keep: a CPU that may not receive any gives away what it has above this number
 * @share: every other CPU gives away or receives tasks up to this number
 */
struct deliver_plan {
	u32 keep;
	u32 share;
};

/*
 * Computed from the number of tasks on each run queue. A CPU where a task of a higher
 * class runs receives none. As that task may end at any moment, the CPU keeps the share
 * it would have otherwise; if the task stays, other CPUs take what is left (guard.c).
 */
static struct deliver_plan deliver_make_plan(const struct cpumask *cpus)
{
	struct deliver_load load = deliver_measure(cpus);
	struct deliver_plan plan = { U32_MAX, U32_MAX };
	int cpu;

	cpumask_clear(&deliver_vacant);
	if (!load.nr_tasks || !load.nr_receivers)
		return plan;

	plan.keep = DIV_ROUND_UP(load.nr_tasks, load.nr_cpus);
	plan.share = DIV_ROUND_UP(load.nr_tasks, load.nr_receivers);
	for_each_cpu_and(cpu, cpus, cpu_active_mask) {
		u32 nr = kern_cpu_nr_tasks(cpu);
		u32 room = bypass_lb_may_receive(cpu) && nr < plan.share ? plan.share - nr : 0;

		per_cpu(deliver_room, cpu) = room;
		if (room)
			cpumask_set_cpu(cpu, &deliver_vacant);
	}
	return plan;
}

static u32 deliver_relieve(int cpu, const struct deliver_plan *plan)
{
	struct bypass_cpu *bc = per_cpu_ptr(&bypass_cpus, cpu);
	u32 keep = bypass_lb_may_receive(cpu) ? plan->share : plan->keep;
	u32 nr = kern_cpu_nr_tasks(cpu), want, left;

	/* its queue may have grown since: it would be delivered to itself */
	if (nr <= keep || cpumask_test_cpu(cpu, &deliver_vacant))
		return 0;
	want = nr - keep;
	left = want - deliver_from(&bc->dsq, cpu, want, bypass_dsq_nr(cpu));
	/* some of those that were to move may not: others do instead, and urgent ones */
	left -= deliver_from(&bc->dsq, cpu, left, left);
	left -= deliver_from(&bc->urgent, cpu, left, left);
	return want - left;
}

static void deliver_node(struct lb_node *node, const struct deliver_plan *plan)
{
	struct plan_load before = bypass_lb_measure(node), after;
	u32 nr_moved = 0;
	int cpu;

	for_each_cpu_and(cpu, node->cpus, cpu_active_mask) {
		if (cpumask_empty(&deliver_vacant))
			break;
		nr_moved += deliver_relieve(cpu, plan);
	}
	if (!nr_moved)
		return;

	count_add(cpumask_first(node->cpus), COUNT_DELIVERED, nr_moved);
	after = bypass_lb_measure(node);
	trace_sched_ext_bypass_lb(node->id, before.nr_cpus, before.nr_tasks, nr_moved,
				  before.min, before.max, after.min, after.max);
}

/* How many tasks do the CPUs of a node have on average? U32_MAX if there are none. */
static u32 deliver_mean(const struct lb_node *node)
{
	struct deliver_load load = deliver_measure(node->cpus);

	return load.nr_cpus ? load.nr_tasks / load.nr_cpus : U32_MAX;
}

/*
 * Is one node much fuller than another? A task more on each CPU does not count. The fair
 * class, which is about to get the tasks, moves them across nodes then. It takes more than
 * half a second to do so, and takes them from one CPU after the other, so that the fuller
 * node is uneven for as long.
 */
static bool deliver_crosses_nodes(void)
{
	u32 most = 0, least = U32_MAX;
	int id;

	for_each_node_state(id, N_CPU) {
		u32 mean = deliver_mean(lb_nodes[id]);

		if (mean == U32_MAX)
			continue;
		most = max(most, mean);
		least = min(least, mean);
	}
	return least != U32_MAX && most > DELIVER_FULLER * (least + 1);
}

/**
 * deliver_begin() - bypass is about to begin: tasks are to be delivered
 *
 * If two tasks make bypass begin at the same time, one of them does not deliver.
 *
 * Context: any.
 * Return: whether the caller has to call deliver_tasks().
 */
bool deliver_begin(void)
{
	if (test_and_set_bit_lock(0, &deliver_busy))
		return false;
	WRITE_ONCE(deliver_until, jiffies + DELIVER_JIFFIES);
	return true;
}

/**
 * deliver_is_due() - are tasks about to be delivered?
 *
 * A pass waits: it would move them to other DSQs, where they do not belong to that
 * CPU's run queue, and a delivery leaves such tasks alone. It does not wait for long: the task
 * that delivers may have to wait itself, for a CPU that a real-time task has.
 *
 * Context: any.
 * Return: whether they are.
 */
bool deliver_is_due(void)
{
	return test_bit(0, &deliver_busy) && time_before(jiffies, READ_ONCE(deliver_until));
}

/**
 * deliver_tasks() - move waiting tasks so that each CPU has its share
 *
 * Context: process, may sleep, just after bypass has begun, after deliver_begin(), no locks
 * held. Takes rq and DSQ locks.
 */
void deliver_tasks(void)
{
	struct deliver_plan plan;
	int id;

	if (deliver_crosses_nodes()) {
		plan = deliver_make_plan(cpu_possible_mask);
		/* only from nodes that have more than their share */
		for_each_node_state(id, N_CPU)
			if (deliver_mean(lb_nodes[id]) >= plan.share)
				deliver_node(lb_nodes[id], &plan);
	}
	/* also then: not each task may leave its node */
	for_each_node_state(id, N_CPU) {
		plan = deliver_make_plan(lb_nodes[id]->cpus);
		deliver_node(lb_nodes[id], &plan);
	}
	clear_bit_unlock(0, &deliver_busy);
}
