// SPDX-License-Identifier: GPL-2.0-only
/*
 * The policy of bypass: on which DSQ a task waits; from which DSQs a CPU takes its
 * next task, in which order. The hooks ask here.
 */
#include <linux/irq_work.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/percpu.h>

#include "balance/help.h"
#include "balance/timing.h"
#include "hooks/policy.h"
#include "hooks/proof.h"
#include "hooks/state.h"
#include "kern/kern.h"
#include "queue/bypass_dsq.h"
#include "record/count.h"

/* urgent tasks that are picked in a row, while others wait */
#define POLICY_URGENT_ROW	4

bool policy_readers_first __read_mostly = true;
module_param_named(readers_first, policy_readers_first, bool, 0600);
MODULE_PARM_DESC(readers_first,
		 "in bypass mode, tasks preempted inside an RCU read-side section run first (default Y)");

bool policy_kthreads_first __read_mostly = true;
module_param_named(kthreads_first, policy_kthreads_first, bool, 0600);
MODULE_PARM_DESC(kthreads_first, "in bypass mode, woken kernel threads run first (default Y)");

/**
 * struct policy_turn - whose turn it is on a CPU. Protected by its rq's lock
 * @global: the next pick looks at the global DSQ before the balanced one
 * @urgent_row: how many urgent tasks were picked in a row
 */
struct policy_turn {
	bool global;
	u8 urgent_row;
};

static DEFINE_PER_CPU(struct policy_turn, policy_turns);

static bool policy_is_rcu_reader(const struct task_struct *p)
{
#ifdef CONFIG_PREEMPT_RCU
	return READ_ONCE(p->rcu_read_lock_nesting) > 0;
#else
	return false;
#endif
}

/*
 * The way out of bypass waits for RCU: for tasks that were preempted inside a
 * read-side section, and for the kernel threads that RCU works with. If
 * these were queued behind all other tasks, each grace period would take as long as
 * all tasks of the queue need for one slice, or several times as long.
 *
 * A kernel thread that is preempted, in schedule(), has used its slice. It is busy, and
 * no task is known to wait for it.
 */
static bool policy_is_urgent(const struct task_struct *p)
{
	if ((p->flags & PF_KTHREAD) && p != current && READ_ONCE(policy_kthreads_first))
		return true;
	return policy_is_rcu_reader(p) && READ_ONCE(policy_readers_first);
}

/**
 * policy_enqueue() - queue a task on one of its CPU's bypass DSQs
 * @global: the global DSQ where the kernel would have queued it
 * @p: the task
 * @enq_flags: SCX_ENQ_*
 *
 * The CPU is task_cpu(@p), that of @p's run queue.
 *
 * Context: interrupts off, @p's rq locked or @p owned in DISPATCHING state.
 * Takes the DSQ's lock.
 */
void policy_enqueue(struct scx_dispatch_q *global, struct task_struct *p, u64 enq_flags)
{
	struct bypass_cpu *bc = per_cpu_ptr(&bypass_cpus, task_cpu(p));
	/* it is the one that delivers the others to their CPUs */
	bool first = state_is_changing_bypass(p), urgent = first || policy_is_urgent(p);
	int this_cpu = smp_processor_id();
	u32 nr;

	KERN_SET(bc->home, global);
	p->scx.slice = (u64)READ_ONCE(timing_slice_bypass_us) * NSEC_PER_USEC;
	if (first)
		enq_flags |= kern_layout.enq_head;
	nr = bypass_dsq_insert(urgent ? &bc->urgent : &bc->dsq, p, enq_flags, 0);
	count_enqueue(p, bypass_dsq_nr(bc->cpu), urgent && !first);

	/*
	 * Any CPU of the node looks at the global DSQ, but it is mainly this CPU that looks at
	 * its bypass DSQs. If it idles and @p comes without a wakeup (for example because its
	 * affinity is changed while it waits elsewhere), only the guard would wake it.
	 *
	 * A CPU that is about to go offline only wakes tasks, for example RCU's
	 * threads, and a wakeup reaches the other CPU by itself. It no longer takes
	 * interrupts: an irq_work would stay on its list, and when the CPU is online
	 * again, no interrupt would be raised for a list that is not empty.
	 */
	if (!nr && bc->cpu != this_cpu && cpu_online(this_cpu))
		irq_work_queue(&bc->kick);
}

static void policy_add(struct policy_pick *pick, struct scx_dispatch_q *dsq)
{
	if (dsq)
		pick->dsq[pick->nr++] = dsq;
}

/*
 * A CPU that has tasks itself. Urgent ones come first, but let another one pass now and then.
 *
 * The global DSQ is empty in bypass, unless some of this bypass was before the proof
 * (proof.c), or the module is being unloaded. Then it and the balanced DSQ take turns, or the tasks
 * of the one would starve as long as the other has some.
 */
static void policy_add_own(struct policy_pick *pick, struct bypass_cpu *bc)
{
	const struct policy_turn *turn = per_cpu_ptr(&policy_turns, bc->cpu);
	bool urgent_first = turn->urgent_row < POLICY_URGENT_ROW;
	bool global_first = turn->global && READ_ONCE(pick->global->nr);

	if (urgent_first)
		policy_add(pick, &bc->urgent);
	policy_add(pick, global_first ? pick->global : &bc->dsq);
	policy_add(pick, global_first ? &bc->dsq : pick->global);
	if (!urgent_first)
		policy_add(pick, &bc->urgent);
}

/* Whose turn is it after a task of this CPU's own was taken from @dsq? */
static void policy_note_turn(const struct policy_pick *pick, const struct scx_dispatch_q *dsq)
{
	struct policy_turn *turn = per_cpu_ptr(&policy_turns, pick->bc->cpu);

	if (dsq == &pick->bc->urgent) {
		/* if it came last, there was no other */
		turn->urgent_row = (turn->urgent_row + 1) % (POLICY_URGENT_ROW + 1);
	} else {
		turn->urgent_row = 0;
		turn->global = dsq != pick->global;
	}
}

static void policy_choose(struct policy_pick *pick)
{
	struct bypass_cpu *bc = pick->bc;
	bool idle, bypassing;

	pick->seq = bypass_dsq_cpu_seq(bc);
	pick->nr = 0;
	pick->next = 0;
	pick->helped = NULL;
	/* also while the hooks are made inactive: until the drain has ended tasks wait here */
	bypassing = proof_is_complete() && kern_cpu_bypassing(bc->cpu);
	WRITE_ONCE(bc->nr_picks, bc->nr_picks + 1);

	idle = !bypass_dsq_cpu_nr(bc);
	if (idle)
		policy_add(pick, pick->global);
	/* in every second tick, tasks of an unserved CPU come before this CPU's own */
	if (bypassing) {
		timing_keep_guard(bc->cpu);
		pick->helped = help_source(bc, idle);
	}
	policy_add(pick, pick->helped);
	if (!idle)
		policy_add_own(pick, bc);
}

/**
 * policy_begin() - a CPU picks a task
 * @pick: is filled in
 * @cpu: the CPU
 * @global: the global DSQ for which the kernel has called
 *
 * Context: interrupts off, the CPU's rq locked. Takes DSQ locks, one at a time.
 */
void policy_begin(struct policy_pick *pick, int cpu, struct scx_dispatch_q *global)
{
	if (unlikely(!proof_is_complete()) && state_is_active())
		proof_see_consume(global, cpu);
	pick->bc = per_cpu_ptr(&bypass_cpus, cpu);
	pick->global = global;
	pick->again = true;
	policy_choose(pick);
}

/*
 * Other CPUs have emptied the DSQ from which this one, which would idle, was to take a task.
 * There may be another: it would take the guard some milliseconds to say so. This is done
 * once, because each DSQ that is looked at may take a millisecond, see below.
 */
static bool policy_try_again(struct policy_pick *pick)
{
	if (!pick->helped || !pick->again || bypass_dsq_cpu_nr(pick->bc))
		return false;
	pick->again = false;
	pick->helped = help_source(pick->bc, true);
	pick->nr = 0;
	pick->next = 0;
	policy_add(pick, pick->helped);
	return pick->nr;
}

/**
 * policy_next() - the next DSQ that a pick looks at
 * @pick: the pick
 *
 * The kernel's consume_dispatch_q() may drop the rq's lock: in its "breather", for up to
 * a millisecond while scx_bypass() works, and where it takes a task from another run
 * queue. What is queued on this CPU meanwhile would be missed, and the request to pick
 * again is forgotten when the pick ends. So look again, with the lock that is then held
 * until the pick ends, if anything was queued. A task that was queued and cannot be
 * taken does not repeat it.
 *
 * Context: interrupts off, the rq locked.
 * Return: the DSQ, or NULL at the end.
 */
struct scx_dispatch_q *policy_next(struct policy_pick *pick)
{
	for (;;) {
		while (pick->next < pick->nr) {
			struct scx_dispatch_q *dsq = pick->dsq[pick->next++];

			/* each call may take a millisecond, see above */
			if (dsq == pick->global || READ_ONCE(dsq->nr))
				return dsq;
		}
		if (bypass_dsq_cpu_seq(pick->bc) != pick->seq)
			policy_choose(pick);
		else if (!policy_try_again(pick))
			return NULL;
	}
}

/**
 * policy_picked() - a task was taken
 * @pick: the pick, which ends
 * @dsq: the DSQ that had the task
 * @rq: the rq of the CPU that picks, which has it now
 *
 * Context: interrupts off, @rq locked.
 */
void policy_picked(const struct policy_pick *pick, struct scx_dispatch_q *dsq, struct rq *rq)
{
	if (dsq == pick->helped)
		count_add(pick->bc->cpu, COUNT_HELPED, 1);
	else
		policy_note_turn(pick, dsq);
	if (dsq != pick->global)
		count_pick(rq);
}
