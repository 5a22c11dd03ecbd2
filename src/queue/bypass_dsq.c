// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bypass DSQs: how a task is put on one and taken off it.
 *
 * Lock rules, the kernel's own for DSQs:
 * - rq lock, then DSQ lock. Two DSQ locks nest only in a pass of the balancer,
 *   donor then donee, and then the inner one is taken with SINGLE_DEPTH_NESTING.
 * - p->scx.dsq changes only with p's rq locked: dispatch_dequeue() reads it
 *   under that lock alone, then waits for the DSQ's lock.
 * - As long as p is on a DSQ, that DSQ's lock keeps task_cpu(p) stable.
 */
#include <linux/sched.h>

#include "kern/kern.h"
#include "queue/bypass_dsq.h"

DEFINE_PER_CPU_SHARED_ALIGNED(struct bypass_cpu, bypass_cpus);

/*
 * Hard interrupt: a CPU that is online stays so until this returns.
 *
 * The other CPU may be in the middle of a pick that began before the task was
 * queued. It holds its rq's lock until it has switched: only then is it known
 * whether it idles. And what asks it to pick again before that is forgotten.
 */
static void bypass_dsq_kick_fn(struct irq_work *work)
{
	struct bypass_cpu *bc = container_of(work, struct bypass_cpu, kick);
	struct rq *rq = kern_cpu_rq(bc->cpu);

	if (!cpu_online(bc->cpu))
		return;
	kern_rq_lock(rq);
	kern_rq_wake_idle(rq);
	kern_rq_unlock(rq);
}

static void __init bypass_dsq_init_one(struct scx_dispatch_q *dsq)
{
	raw_spin_lock_init(&dsq->lock);
	INIT_LIST_HEAD(&dsq->list);
	dsq->id = SCX_DSQ_BYPASS;
}

/**
 * bypass_dsq_init() - set up a bypass DSQ for each possible CPU
 *
 * Context: process.
 */
void __init bypass_dsq_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct bypass_cpu *bc = per_cpu_ptr(&bypass_cpus, cpu);

		bypass_dsq_init_one(&bc->dsq);
		bypass_dsq_init_one(&bc->urgent);
		bc->kick = IRQ_WORK_INIT_HARD(bypass_dsq_kick_fn);
		bc->cpu = cpu;
		bc->help.own_until = jiffies - 1;
		bc->help.from[false] = cpu;
		bc->help.from[true] = cpu;
		bc->help.no_walk_until[false] = jiffies - 1;
		bc->help.no_walk_until[true] = jiffies - 1;
	}
}

/**
 * bypass_dsq_exit() - wait for the last users of the bypass DSQs
 *
 * The DSQs are unreachable for new callers, and the drain has emptied them. If a
 * task is still on one, it refers to memory that is about to be freed: then this is
 * reported, and the function never returns.
 *
 * Context: process, may sleep.
 */
void bypass_dsq_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct bypass_cpu *bc = per_cpu_ptr(&bypass_cpus, cpu);

		irq_work_sync(&bc->kick);
		while (bypass_dsq_cpu_nr(bc)) {
			pr_crit_once("%u tasks are left on the bypass queues of CPU %d: the module cannot be unloaded, reboot this machine and report this\n",
				     bypass_dsq_cpu_nr(bc), cpu);
			kern_wait_freezable(HZ);
		}
	}
}

/**
 * bypass_dsq_insert() - put a task on a FIFO DSQ, all that dispatch_enqueue() does then
 * @dsq: a bypass or a global DSQ
 * @p: the task, on no DSQ
 * @enq_flags: SCX_ENQ_*; with SCX_ENQ_CLEAR_OPSS @p is released to others
 * @subclass: SINGLE_DEPTH_NESTING while another bypass DSQ is locked, else 0
 *
 * Context: interrupts off, @p's rq locked or @p owned in DISPATCHING state.
 * Takes @dsq's lock.
 * Return: how many tasks were on @dsq before.
 */
u32 bypass_dsq_insert(struct scx_dispatch_q *dsq, struct task_struct *p, u64 enq_flags,
		      int subclass)
{
	u32 nr;

	raw_spin_lock_nested(&dsq->lock, subclass);
	WARN_ON_ONCE(p->scx.dsq || !list_empty(&p->scx.dsq_list.node));

	if (enq_flags & (kern_layout.enq_head | kern_layout.enq_preempt))
		list_add(&p->scx.dsq_list.node, &dsq->list);
	else
		list_add_tail(&p->scx.dsq_list.node, &dsq->list);

	/* both are read without the lock; BPF iterators use the first */
	WRITE_ONCE(dsq->seq, dsq->seq + 1);
	p->scx.dsq_seq = dsq->seq;
	nr = dsq->nr;
	WRITE_ONCE(dsq->nr, nr + 1);
	WRITE_ONCE(p->scx.dsq, dsq);

	/* a verdict that bypass has overruled must not be found later */
	p->scx.ddsp_dsq_id = SCX_DSQ_INVALID;
	p->scx.ddsp_enq_flags = 0;

	/* a dequeue waits for this and then expects to see all of the above */
	if (enq_flags & kern_layout.enq_clear_opss)
		atomic_long_set_release(&p->scx.ops_state, KERN_OPSS_NONE);

	raw_spin_unlock(&dsq->lock);
	return nr;
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
	WRITE_ONCE(p->scx.dsq, NULL);
}

/**
 * bypass_dsq_next() - the first task behind a place in a DSQ
 * @dsq: the DSQ
 * @pos: the place: a task's or a cursor's node, or the list's head
 *
 * Context: @dsq locked.
 * Return: the task, cursors being skipped; NULL at the end.
 */
struct task_struct *bypass_dsq_next(struct scx_dispatch_q *dsq, struct list_head *pos)
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
 * Context: the lock of @p's DSQ held; if @p is on none, the lock of its rq.
 * Return: whether @cpu may run it.
 */
bool bypass_dsq_may_move(struct task_struct *p, int cpu)
{
	/* cpus_ptr may still show all CPUs while @p is being switched out */
	return !p->migration_disabled && cpumask_test_cpu(cpu, p->cpus_ptr);
}
