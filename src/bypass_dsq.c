// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bypass DSQs: which task waits on which, and how.
 *
 * Lock rules, the kernel's own for DSQs:
 * - rq lock, then DSQ lock. Two DSQ locks nest only in a pass of the balancer,
 *   donor then donee, and then the inner one is taken with SINGLE_DEPTH_NESTING.
 * - p->scx.dsq changes only with p's rq locked: dispatch_dequeue() reads it
 *   under that lock alone, then waits for the DSQ's lock.
 * - As long as p is on a DSQ, that DSQ's lock keeps task_cpu(p) stable.
 */
#include <linux/delay.h>
#include <linux/mmu_context.h>
#include <linux/module.h>
#include <linux/sched.h>

#include "bypass_dsq.h"
#include "kern.h"
#include "params.h"
#include "record.h"

DEFINE_PER_CPU_SHARED_ALIGNED(struct bypass_cpu, bypass_cpus);

/*
 * Hard interrupt: a CPU that is online stays so until this returns.
 *
 * The other CPU may be in the middle of a pick that began before the task was
 * queued. It holds its rq's lock until it has switched: only then is it known
 * whether it idles. And what asks it to pick again before that is forgotten.
 */
static void kick_fn(struct irq_work *work)
{
	struct bypass_cpu *bc = container_of(work, struct bypass_cpu, kick);
	struct rq *rq = kern_cpu_rq(bc->cpu);

	if (!cpu_online(bc->cpu))
		return;
	kern_rq_lock(rq);
	kern_rq_unlock(rq);
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
		bc->help_from = cpu;
		bc->help_tick = jiffies - 1;
		bc->walked_tick = jiffies - 1;
	}
}

/**
 * bypass_dsq_exit() - wait for the last users of the bypass DSQs
 *
 * The DSQs are unreachable for new callers, and the drain has emptied them. If a
 * task is on one all the same it refers to memory that is about to be freed: then
 * this says so and never returns. A CPU that has unlinked a task may still be
 * about to take the DSQ's lock; it has interrupts off.
 *
 * Context: process, may sleep.
 */
void bypass_dsq_exit(void)
{
	bool said = false;
	int cpu;

	synchronize_rcu();
	for_each_possible_cpu(cpu) {
		struct bypass_cpu *bc = per_cpu_ptr(&bypass_cpus, cpu);

		irq_work_sync(&bc->kick);
		while (bypass_cpu_nr(bc)) {
			if (!said)
				pr_crit("%u tasks are left on the bypass queues of CPU %d: unloading never ends, reboot this machine and report this\n",
					bypass_cpu_nr(bc), cpu);
			said = true;
			msleep(MSEC_PER_SEC);
		}
	}
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
 * Return: how many tasks were on @dsq before.
 */
u32 bypass_dsq_insert(struct scx_dispatch_q *dsq, struct task_struct *p,
		      u64 enq_flags)
{
	u32 nr;

	WARN_ON_ONCE(p->scx.dsq || !list_empty(&p->scx.dsq_list.node));

	if (enq_flags & SCX_ENQ_NESTED)
		raw_spin_lock_nested(&dsq->lock, SINGLE_DEPTH_NESTING);
	else
		raw_spin_lock(&dsq->lock);

	if (enq_flags & (kern_layout.enq_head | kern_layout.enq_preempt))
		list_add(&p->scx.dsq_list.node, &dsq->list);
	else
		list_add_tail(&p->scx.dsq_list.node, &dsq->list);

	/* both are read without the lock; BPF iterators use the first */
	WRITE_ONCE(dsq->seq, dsq->seq + 1);
	p->scx.dsq_seq = dsq->seq;
	nr = dsq->nr;
	WRITE_ONCE(dsq->nr, nr + 1);
	p->scx.dsq = dsq;

	/* a verdict that bypass has overruled must not be found later */
	p->scx.ddsp_dsq_id = SCX_DSQ_INVALID;
	p->scx.ddsp_enq_flags = 0;

	/* a dequeue waits for this and then expects to see all of the above */
	if (enq_flags & kern_layout.enq_clear_opss)
		atomic_long_set_release(&p->scx.ops_state, BYPASS_OPSS_NONE);

	raw_spin_unlock(&dsq->lock);
	return nr;
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
 * A kernel thread that is preempted, in schedule(), had its slice: it works, and
 * nobody is known to wait for it.
 */
static bool is_urgent(const struct task_struct *p)
{
	if ((p->flags & PF_KTHREAD) && p != current)
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
	struct bypass_cpu *bc = per_cpu_ptr(&bypass_cpus, task_cpu(p));
	bool urgent = is_urgent(p);
	int this_cpu = smp_processor_id();
	u32 nr;

	if (READ_ONCE(bc->home) != global)
		WRITE_ONCE(bc->home, global);
	p->scx.slice = (u64)READ_ONCE(slice_bypass_us) * NSEC_PER_USEC;
	nr = bypass_dsq_insert(urgent ? &bc->urgent : &bc->dsq, p, enq_flags);
	record_enqueue(p, bypass_dsq_nr(bc->cpu), urgent);

	/*
	 * Any CPU of the node looks at the global DSQ, but this one comes first to
	 * its bypass DSQs. If it idles and @p comes without a wakeup (say, its
	 * affinity is changed while it waits elsewhere), only the guard would wake it.
	 *
	 * A CPU on its last steps down only wakes tasks, RCU's for one, and a
	 * wakeup reaches the other CPU by itself. It takes no interrupts any more:
	 * an irq_work would stay on its list, and when the CPU is up again
	 * keep the list from ever being announced by an interrupt.
	 */
	if (!nr && bc->cpu != this_cpu && cpu_online(this_cpu))
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
