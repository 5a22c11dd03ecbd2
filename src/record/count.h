/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef COUNT_H
#define COUNT_H

#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include "kern/kern.h"

/* what is counted since the module was loaded; the first ones for each node */
enum count_id {
	COUNT_PASSES,		/* balancing passes */
	COUNT_MOVED,		/* tasks that passes moved to another CPU's queue */
	COUNT_DELIVERED,	/* tasks that were sent to another CPU as bypass began */
	COUNT_HELPED,		/* tasks that a CPU took from another CPU's queue */
	COUNT_UNSERVED,		/* how often a CPU was found that did not serve its tasks */
	NR_NODE_COUNTS,
	COUNT_READERS = NR_NODE_COUNTS, /* tasks queued first because they are RCU readers */
	COUNT_KTHREADS,		/* tasks queued first because they are kernel threads */
	COUNT_EXPEDITED,	/* grace periods for which an expedited one was asked for, too */
	NR_COUNTS,
};

extern const char * const count_names[NR_COUNTS];

struct counts {
	u64 nr[NR_COUNTS];
};

/**
 * struct count_cpu - what was counted on one CPU, or for it
 * @counts: the counts
 * @longest: in this episode, the longest bypass DSQ that it queued a task on
 * @wait: in this episode, the longest wait of a task that it took from a bypass
 *	DSQ, jiffies
 *
 * The last two are written by that CPU with interrupts off, and reset when an episode
 * begins. All are read without a lock.
 */
struct count_cpu {
	struct counts counts;
	u32 longest;
	u32 wait;
};

DECLARE_PER_CPU_ALIGNED(struct count_cpu, count_cpus);

struct counts count_sum(const struct cpumask *cpus);

/*
 * Count @nr times something for @cpu. For each kind and CPU there is one writer at a time:
 * the CPU itself with interrupts off, or its rq locked; what is done for a node, which counts
 * for the first CPU of the node; the task that waits for a grace period, which counts for the
 * first possible CPU. (Two guards may look at once, see timing.c: then
 * one of two may be lost.)
 */
static inline void count_add(int cpu, enum count_id id, u64 nr)
{
	u64 *count = &per_cpu(count_cpus, cpu).counts.nr[id];

	WRITE_ONCE(*count, READ_ONCE(*count) + nr);
}

/* Context: any. Racy. */
static inline u64 count_get(int cpu, enum count_id id)
{
	return READ_ONCE(per_cpu(count_cpus, cpu).counts.nr[id]);
}

/*
 * @p was queued on one of a CPU's two bypass DSQs. The balanced one has @nr tasks now.
 * @urgent: count @p as one that runs before others. Context: interrupts off.
 */
static inline void count_enqueue(const struct task_struct *p, u32 nr, bool urgent)
{
	struct count_cpu *c = this_cpu_ptr(&count_cpus);

	if (nr > READ_ONCE(c->longest))
		WRITE_ONCE(c->longest, nr);
	if (unlikely(urgent))
		count_add(smp_processor_id(),
			  p->flags & PF_KTHREAD ? COUNT_KTHREADS : COUNT_READERS, 1);
}

/*
 * A task was taken from a bypass DSQ: it is the last on the local DSQ of @rq, which is
 * locked. The kernel keeps since when each task is runnable, for its watchdog.
 */
static inline void count_pick(struct rq *rq)
{
	struct count_cpu *c = this_cpu_ptr(&count_cpus);
	struct scx_dispatch_q *local = kern_local_dsq(rq);
	struct task_struct *p;
	u32 wait;

	if (list_empty(&local->list))
		return;
	p = list_last_entry(&local->list, struct task_struct, scx.dsq_list.node);
	wait = jiffies - p->scx.runnable_at;
	if (wait > READ_ONCE(c->wait))
		WRITE_ONCE(c->wait, wait);
}

#endif /* COUNT_H */
