// SPDX-License-Identifier: GPL-2.0-only
/*
 * Move tasks off all bypass DSQs (drain), or back to the DSQ of their own CPU (recall).
 * For the lock rules see bypass_dsq.c.
 */
#include <linux/cpu.h>
#include <linux/sched.h>

#include "kern/kern.h"
#include "queue/bypass_dsq.h"
#include "queue/sweep.h"

/* entries looked at before the DSQ's lock is dropped */
#define SWEEP_BATCH	256

/*
 * Where a sweep puts @p, which waits on @cpu's bypass DSQ; NULL to leave it.
 *
 * Without a @dying CPU every task goes to its global DSQ. With one, a task that is
 * not on its own CPU's DSQ goes back there if either of the two CPUs is @dying: that one can
 * no longer run tasks of others, and waits for its own, which others would take unseen.
 */
static struct scx_dispatch_q *sweep_target(struct task_struct *p, int cpu, int dying)
{
	struct bypass_cpu *own = per_cpu_ptr(&bypass_cpus, task_cpu(p));

	if (dying < 0) {
		/* set as @p was queued, and @p has not changed its CPU since */
		WARN_ON_ONCE(!own->home);
		return READ_ONCE(own->home);
	}
	if (own->cpu != cpu && (cpu == dying || own->cpu == dying))
		return &own->dsq;
	return NULL;
}

/*
 * Advance @cursor until a task to move is next. Looks at a batch of entries.
 * Returns that task, or NULL; then *@more says whether there are others.
 */
static struct task_struct *sweep_find(struct scx_dispatch_q *dsq, int cpu, int dying,
				      struct scx_dsq_list_node *cursor, bool *more)
{
	struct task_struct *p;
	int i;

	*more = true;
	for (i = 0; i < SWEEP_BATCH; i++) {
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
 * Move what sweep_target() names off @dsq, one of @cpu's, a task at a time:
 * find one, lock its rq, and if it is still next, move it. Its rq stays
 * locked in between, so that a dequeue cannot see the task underway, and no
 * two DSQ locks need to nest.
 */
static void sweep_dsq(struct scx_dispatch_q *dsq, int cpu, int dying)
{
	struct scx_dsq_list_node cursor = BYPASS_DSQ_CURSOR(cursor);
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

		/* nothing else gives way where the kernel is not preemptible */
		cond_resched();
		if (!rq) {
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
			bypass_dsq_insert(target, p, 0, 0);
		kern_rq_unlock_irq(rq);

		raw_spin_lock_irq(&dsq->lock);
	}

	list_del(&cursor.node);
	raw_spin_unlock_irq(&dsq->lock);
}

/**
 * sweep_drain() - move all tasks to the global DSQs, as without the module
 *
 * No more tasks are being enqueued, consumption goes on. CPUs neither come nor go
 * meanwhile: sweep_recall() moves tasks back to DSQs that have been drained.
 *
 * Context: process, may sleep. Takes the CPU hotplug lock, then rq and DSQ locks.
 */
void sweep_drain(void)
{
	int cpu;

	cpus_read_lock();
	for_each_possible_cpu(cpu) {
		sweep_dsq(&per_cpu(bypass_cpus, cpu).urgent, cpu, -1);
		sweep_dsq(bypass_dsq(cpu), cpu, -1);
	}

	/* a CPU that had nothing to do may run any of them now */
	for_each_online_cpu(cpu)
		static_call(kern_resched_cpu)(cpu);
	cpus_read_unlock();
}

/**
 * sweep_recall() - undo the balancer's moves to and from a dying CPU
 * @dying: a CPU that is no longer active
 *
 * That CPU can no longer consume tasks of other CPUs, and soon the guard does not
 * look at it any more (guard.c). Its hotplug thread waits for the last of its own tasks
 * to leave. When the dying CPU itself switches to idle, that wakes the thread; if another
 * CPU has taken the task, only the guard does. Urgent tasks are never moved to a bypass
 * DSQ of another CPU than their own.
 *
 * Context: CPU hotplug callback, may sleep. Takes rq and DSQ locks.
 */
void sweep_recall(int dying)
{
	int cpu;

	/*
	 * No task is on a bypass DSQ, or scx_bypass(false) is queueing them all again. A suspend
	 * sets bypass also without a scheduler.
	 */
	if (!kern_sched_is_bypassed())
		return;

	/* that CPU is not active: no task is moved to or from it any more */
	for_each_possible_cpu(cpu)
		sweep_dsq(bypass_dsq(cpu), cpu, dying);

	/* consumers that have unlinked a task have interrupts off until it is away */
	synchronize_rcu();

	for_each_online_cpu(cpu)
		static_call(kern_resched_cpu)(cpu);
}
