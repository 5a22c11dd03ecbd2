// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bypass DSQs: enqueue, and the way back.
 *
 * Lock rules, the kernel's own for DSQs:
 * - rq lock, then DSQ lock. Two DSQ locks nest only in the balancer, donor
 *   then donee, and then the inner one is taken with SINGLE_DEPTH_NESTING.
 * - p->scx.dsq changes only with p's rq locked: dispatch_dequeue() reads it
 *   under that lock alone, then waits for the DSQ's lock.
 * - As long as p is on a DSQ, that DSQ's lock keeps task_cpu(p) stable.
 */
#include <linux/module.h>
#include <linux/sched.h>

#include "bypass_dsq.h"
#include "kern.h"
#include "params.h"

/* entries looked at before the DSQ's lock is dropped */
#define SCAN_BATCH	256

DEFINE_PER_CPU_SHARED_ALIGNED(struct bypass_cpu, bypass_cpus);

/* Hard interrupt: a CPU that is online stays so until this returns. */
static void kick_fn(struct irq_work *work)
{
	struct bypass_cpu *bc = container_of(work, struct bypass_cpu, kick);

	if (cpu_online(bc->cpu))
		static_call(kern_wake_up_if_idle)(bc->cpu);
}

/**
 * bypass_dsq_init() - set up a bypass DSQ for each possible CPU
 *
 * Context: process.
 */
void bypass_dsq_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct bypass_cpu *bc = per_cpu_ptr(&bypass_cpus, cpu);

		raw_spin_lock_init(&bc->dsq.lock);
		INIT_LIST_HEAD(&bc->dsq.list);
		bc->dsq.priq = RB_ROOT;
		bc->dsq.id = SCX_DSQ_BYPASS;
		bc->kick = IRQ_WORK_INIT_HARD(kick_fn);
		bc->cpu = cpu;
	}
}

/**
 * bypass_dsq_exit() - wait for the last users of the bypass DSQs
 *
 * The DSQs are empty and unreachable for new callers. A CPU that has unlinked
 * a task may still be about to take the DSQ's lock; it has interrupts off.
 *
 * Context: process, may sleep.
 */
void bypass_dsq_exit(void)
{
	int cpu;

	synchronize_rcu();
	for_each_possible_cpu(cpu)
		irq_work_sync(&per_cpu(bypass_cpus, cpu).kick);
}

/**
 * bypass_dsq_insert() - put a task on a FIFO DSQ
 * @dsq: a bypass or a global DSQ
 * @p: the task, on no DSQ
 * @enq_flags: SCX_ENQ_*. With %SCX_ENQ_NESTED the caller holds another
 *	bypass DSQ's lock; with SCX_ENQ_CLEAR_OPSS @p is released to others.
 *
 * All that dispatch_enqueue() does for such a DSQ.
 *
 * Context: interrupts off, @p's rq locked or @p owned in DISPATCHING state.
 * Takes @dsq's lock.
 */
void bypass_dsq_insert(struct scx_dispatch_q *dsq, struct task_struct *p,
		       u64 enq_flags)
{
	WARN_ON_ONCE(p->scx.dsq || !list_empty(&p->scx.dsq_list.node));

	if (enq_flags & SCX_ENQ_NESTED)
		raw_spin_lock_nested(&dsq->lock, SINGLE_DEPTH_NESTING);
	else
		raw_spin_lock(&dsq->lock);

	if (enq_flags & (kern_layout.enq_head | kern_layout.enq_preempt))
		list_add(&p->scx.dsq_list.node, &dsq->list);
	else
		list_add_tail(&p->scx.dsq_list.node, &dsq->list);

	/* BPF iterators tell by the number what was queued after they began */
	p->scx.dsq_seq = ++dsq->seq;
	/* read without the lock */
	WRITE_ONCE(dsq->nr, dsq->nr + 1);
	p->scx.dsq = dsq;

	/* a verdict that bypass has overruled must not be found later */
	p->scx.ddsp_dsq_id = SCX_DSQ_INVALID;
	p->scx.ddsp_enq_flags = 0;

	/* a dequeue waits for this and then expects to see all of the above */
	if (enq_flags & kern_layout.enq_clear_opss)
		atomic_long_set_release(&p->scx.ops_state, 0);

	raw_spin_unlock(&dsq->lock);
}

/**
 * bypass_dsq_enqueue() - queue a task on its CPU's bypass DSQ
 * @global: the global DSQ where the kernel would have queued it
 * @p: the task
 * @enq_flags: SCX_ENQ_*
 *
 * Context: as for bypass_dsq_insert().
 */
void bypass_dsq_enqueue(struct scx_dispatch_q *global, struct task_struct *p,
			u64 enq_flags)
{
	int cpu = task_cpu(p), this_cpu = smp_processor_id();
	struct bypass_cpu *bc = per_cpu_ptr(&bypass_cpus, cpu);
	bool first = list_empty(&bc->dsq.list);

	if (READ_ONCE(bc->home) != global)
		WRITE_ONCE(bc->home, global);
	p->scx.slice = (u64)READ_ONCE(slice_bypass_us) * NSEC_PER_USEC;
	bypass_dsq_insert(&bc->dsq, p, enq_flags);

	/*
	 * Any CPU of the node looks at the global DSQ, but only this one at
	 * its bypass DSQ. If it idles and @p comes without a wakeup (say, its
	 * affinity is changed while it waits elsewhere), nobody else tells it.
	 *
	 * A CPU on its last steps down only wakes tasks, RCU's for one, and
	 * that tells the other CPU by itself. It takes no interrupts any more:
	 * an irq_work would stay on its list, and when the CPU is up again
	 * keep the list from ever being announced by an interrupt.
	 */
	if (first && cpu != this_cpu && cpu_online(this_cpu))
		irq_work_queue(&bc->kick);
}

/**
 * bypass_dsq_unlink() - take a task off its DSQ
 * @dsq: the DSQ
 * @p: a task on it
 *
 * Context: @p's rq and @dsq locked.
 */
void bypass_dsq_unlink(struct scx_dispatch_q *dsq, struct task_struct *p)
{
	list_del_init(&p->scx.dsq_list.node);
	WRITE_ONCE(dsq->nr, dsq->nr - 1);
	p->scx.dsq = NULL;
}

/**
 * bypass_dsq_next() - the first task behind a place in a DSQ
 * @dsq: the DSQ
 * @pos: the place: a task's or a cursor's node, or the list's head
 *
 * Context: @dsq locked.
 * Return: the task, cursors being skipped; NULL at the end.
 */
struct task_struct *bypass_dsq_next(struct scx_dispatch_q *dsq,
				    struct list_head *pos)
{
	lockdep_assert_held(&dsq->lock);

	while ((pos = pos->next) != &dsq->list) {
		struct scx_dsq_list_node *n =
			container_of(pos, struct scx_dsq_list_node, node);

		if (!(n->flags & SCX_DSQ_LNODE_ITER_CURSOR))
			return container_of(n, struct task_struct, scx.dsq_list);
	}
	return NULL;
}

/*
 * Where a sweep puts @p, which waits on @cpu's bypass DSQ; NULL to leave it.
 *
 * Without a @dying CPU every task goes to its global DSQ. With one, those go
 * home that this CPU can no longer consume, or that another CPU would take
 * from it behind its back.
 */
static struct scx_dispatch_q *sweep_target(struct task_struct *p, int cpu, int dying)
{
	struct bypass_cpu *own = per_cpu_ptr(&bypass_cpus, task_cpu(p));

	if (dying < 0)
		return READ_ONCE(own->home);
	if (own->cpu != cpu && (cpu == dying || own->cpu == dying))
		return &own->dsq;
	return NULL;
}

/*
 * Advance @cursor until a task to move is next. Looks at a batch of entries.
 * Returns that task, or NULL; then *@more tells whether there are others.
 */
static struct task_struct *sweep_find(struct scx_dispatch_q *dsq, int cpu, int dying,
				      struct scx_dsq_list_node *cursor, bool *more)
{
	struct task_struct *p;
	int i;

	*more = true;
	for (i = 0; i < SCAN_BATCH; i++) {
		p = bypass_dsq_next(dsq, &cursor->node);
		if (!p) {
			*more = false;
			return NULL;
		}
		if (sweep_target(p, cpu, dying))
			return p;
		list_move(&cursor->node, &p->scx.dsq_list.node);
	}
	return NULL;
}

/*
 * Move what sweep_target() names off @cpu's bypass DSQ, a task at a time:
 * find one, lock its rq, and if it is still next, move it. Its rq stays
 * locked in between, so that a dequeue cannot see the task underway, and no
 * two DSQ locks need to nest.
 */
static void sweep(int cpu, int dying)
{
	struct scx_dispatch_q *dsq = bypass_dsq(cpu);
	struct scx_dsq_list_node cursor = {
		.node = LIST_HEAD_INIT(cursor.node),
		.flags = SCX_DSQ_LNODE_ITER_CURSOR,
	};
	struct task_struct *p;
	bool more = true;

	raw_spin_lock_irq(&dsq->lock);
	list_add(&cursor.node, &dsq->list);

	while (more) {
		struct scx_dispatch_q *target;
		struct rq *rq = NULL;

		p = sweep_find(dsq, cpu, dying, &cursor, &more);
		if (p)
			rq = kern_cpu_rq(task_cpu(p));
		raw_spin_unlock_irq(&dsq->lock);

		if (!rq) {
			cond_resched();
			raw_spin_lock_irq(&dsq->lock);
			continue;
		}

		kern_rq_lock_irq(rq);
		raw_spin_lock(&dsq->lock);
		p = bypass_dsq_next(dsq, &cursor.node);
		target = p && kern_cpu_rq(task_cpu(p)) == rq ?
			 sweep_target(p, cpu, dying) : NULL;
		if (target)
			bypass_dsq_unlink(dsq, p);
		raw_spin_unlock(&dsq->lock);
		if (target)
			bypass_dsq_insert(target, p, 0);
		kern_rq_unlock_irq(rq);

		raw_spin_lock_irq(&dsq->lock);
	}

	list_del(&cursor.node);
	raw_spin_unlock_irq(&dsq->lock);
}

/**
 * bypass_dsq_drain() - move all tasks to the global DSQs, as without the module
 *
 * No more tasks are being enqueued, consumption goes on.
 *
 * Context: process, may sleep. Takes rq and DSQ locks.
 */
void bypass_dsq_drain(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		sweep(cpu, -1);

	/* a CPU that had nothing to do may run any of them now */
	cpus_read_lock();
	for_each_online_cpu(cpu)
		static_call(kern_resched_cpu)(cpu);
	cpus_read_unlock();
}

/**
 * bypass_dsq_recall() - undo the balancer's moves to and from a dying CPU
 * @dying: a CPU that is no longer active
 *
 * That CPU can no longer consume tasks of other CPUs. And if another CPU
 * consumes the last one of its own, nobody wakes the hotplug thread that
 * waits for it: only the dying CPU's own switch to idle does.
 *
 * Context: CPU hotplug callback, may sleep. Takes rq and DSQ locks.
 */
void bypass_dsq_recall(int dying)
{
	int cpu;

	for_each_possible_cpu(cpu)
		sweep(cpu, dying);

	/* consumers that have unlinked a task have interrupts off until it is away */
	synchronize_rcu();

	for_each_online_cpu(cpu)
		static_call(kern_wake_up_if_idle)(cpu);
}
