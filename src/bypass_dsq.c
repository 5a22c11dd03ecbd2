// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bypass DSQs: who waits on which, and how.
 *
 * Lock rules, the kernel's own for DSQs:
 * - rq lock, then DSQ lock. Two DSQ locks nest only in the balancer, donor
 *   then donee, and then the inner one is taken with SINGLE_DEPTH_NESTING.
 * - p->scx.dsq changes only with p's rq locked: dispatch_dequeue() reads it
 *   under that lock alone, then waits for the DSQ's lock.
 * - As long as p is on a DSQ, that DSQ's lock keeps task_cpu(p) stable.
 */
#include <linux/mmu_context.h>
#include <linux/module.h>
#include <linux/sched.h>

#include "bypass_dsq.h"
#include "kern.h"
#include "params.h"
#include "quiet.h"
#include "record.h"
#include "spread.h"

DEFINE_PER_CPU_SHARED_ALIGNED(struct bypass_cpu, bypass_cpus);

/* Hard interrupt: a CPU that is online stays so until this returns. */
static void kick_fn(struct irq_work *work)
{
	struct bypass_cpu *bc = container_of(work, struct bypass_cpu, kick);

	if (cpu_online(bc->cpu))
		static_call(kern_wake_up_if_idle)(bc->cpu);
}

static void init_dsq(struct scx_dispatch_q *dsq)
{
	raw_spin_lock_init(&dsq->lock);
	INIT_LIST_HEAD(&dsq->list);
	dsq->priq = RB_ROOT;
	dsq->id = SCX_DSQ_BYPASS;
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

		init_dsq(&bc->dsq);
		init_dsq(&bc->urgent);
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

static bool is_rcu_reader(const struct task_struct *p)
{
#ifdef CONFIG_PREEMPT_RCU
	return READ_ONCE(p->rcu_read_lock_nesting) > 0;
#else
	return false;
#endif
}

/*
 * The way out of bypass waits for RCU: for tasks that were preempted inside a
 * read-side section, and for the kernel threads that RCU works with. Behind
 * everybody else's slices each of its grace periods takes a turn of the queue,
 * or several.
 *
 * A kernel thread that is preempted, in schedule(), had its slice; it is one
 * that works, not one that is waited for. But in the moment of quiet it would
 * not come back until that is over, and then it is waited for.
 */
static bool is_urgent(const struct task_struct *p)
{
	if ((p->flags & PF_KTHREAD) && (p != current || is_quiet()))
		return READ_ONCE(kthreads_first);
	return is_rcu_reader(p) && READ_ONCE(readers_first);
}

/**
 * bypass_dsq_enqueue() - queue a task on one of its CPU's bypass DSQs
 * @global: the global DSQ where the kernel would have queued it
 * @p: the task
 * @enq_flags: SCX_ENQ_*
 *
 * Context: as for bypass_dsq_insert().
 */
void bypass_dsq_enqueue(struct scx_dispatch_q *global, struct task_struct *p,
			u64 enq_flags)
{
	int this_cpu = smp_processor_id();
	bool urgent = is_urgent(p);
	int cpu = urgent ? task_cpu(p) : spread_cpu(p);
	struct bypass_cpu *bc = per_cpu_ptr(&bypass_cpus, cpu);
	bool first = bypass_dsqs_empty(bc);

	if (READ_ONCE(bc->home) != global)
		WRITE_ONCE(bc->home, global);
	p->scx.slice = (u64)READ_ONCE(slice_bypass_us) * NSEC_PER_USEC;
	bypass_dsq_insert(urgent ? &bc->urgent : &bc->dsq, p, enq_flags);
	record_enqueue(p, bypass_dsq_nr(cpu), urgent);

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
	kern_assert_rq_locked(task_cpu(p));
	lockdep_assert_held(&dsq->lock);

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

/**
 * bypass_dsq_may_move() - may a waiting task be run by another CPU?
 * @p: the task
 * @cpu: an active CPU
 *
 * Context: the lock of @p's DSQ held, or before it is on one that of its rq.
 */
bool bypass_dsq_may_move(struct task_struct *p, int cpu)
{
	/* cpus_ptr may still show all CPUs while @p is being switched out */
	return !p->migration_disabled && cpumask_test_cpu(cpu, p->cpus_ptr) &&
	       task_cpu_possible(cpu, p);
}
