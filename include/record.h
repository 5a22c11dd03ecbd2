/* SPDX-License-Identifier: GPL-2.0-only */
/* The record of the last bypass episodes, and counts of what the module did in them. */
#ifndef RECORD_H
#define RECORD_H

#include <linux/jiffies.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/sched/ext.h>

#include "balancer.h"
#include "kern.h"

struct seq_file;

/**
 * struct record_cpu - what one CPU has seen
 * @nr_readers: tasks that it queued first because they are RCU readers
 * @nr_kthreads: tasks that it queued first because they are kernel threads
 * @longest: in this episode, the longest bypass DSQ that it queued a task on
 * @wait: in this episode, the longest wait of a task that it took from a bypass
 *	DSQ, jiffies
 *
 * Written by its own CPU with interrupts off, and reset while bypass is off.
 * Read without a lock.
 */
struct record_cpu {
	u64 nr_readers;
	u64 nr_kthreads;
	u32 longest;
	u32 wait;
};

DECLARE_PER_CPU_ALIGNED(struct record_cpu, record_cpus);

/**
 * struct record_counts - what was done to tasks
 * @passes: balancing passes
 * @moved: tasks that passes moved to another CPU's queue
 * @delivered: tasks that were sent to another CPU as bypass began
 * @helped: tasks that a CPU took from another CPU's queue
 * @unserved: how often a queue was found that its CPU did not serve
 */
struct record_counts {
	u64 passes;
	u64 moved;
	u64 delivered;
	u64 helped;
	u64 unserved;
};

/**
 * struct record_totals - counts since the module was loaded
 * @episodes: bypass episodes that have ended
 * @bypass_ns: time in bypass, with the episode that goes on
 * @since_ns: when the episode began that goes on, CLOCK_MONOTONIC; 0 if none does
 * @readers: tasks queued first because they are RCU readers
 * @kthreads: tasks queued first because they are kernel threads
 * @expedited: how often RCU grace periods were switched to expedited ones
 */
struct record_totals {
	u64 episodes;
	u64 bypass_ns;
	u64 since_ns;
	u64 readers;
	u64 kthreads;
	u64 expedited;
};

void record_before(bool bypass);
void record_after(void);
void record_pass(void);
void record_expedited(void);
void record_stop(void);
struct record_counts record_node_counts(const struct lb_node *node);
struct record_totals record_totals(void);
void record_show(struct seq_file *m);

/*
 * @p was queued on a CPU's bypass DSQ, which has @nr tasks now; @urgent: it runs before
 * others. Context: interrupts off.
 */
static inline void record_enqueue(const struct task_struct *p, u32 nr, bool urgent)
{
	struct record_cpu *rc = this_cpu_ptr(&record_cpus);

	if (nr > READ_ONCE(rc->longest))
		WRITE_ONCE(rc->longest, nr);
	if (unlikely(urgent)) {
		if (p->flags & PF_KTHREAD)
			WRITE_ONCE(rc->nr_kthreads, rc->nr_kthreads + 1);
		else
			WRITE_ONCE(rc->nr_readers, rc->nr_readers + 1);
	}
}

/*
 * A task was taken from a bypass DSQ: it is the last on the local DSQ of @rq, which is
 * locked. The kernel keeps since when each task is runnable, for its watchdog.
 */
static inline void record_pick(struct rq *rq)
{
	struct record_cpu *rc = this_cpu_ptr(&record_cpus);
	struct task_struct *p = kern_last_picked(rq);
	u32 wait;

	if (!p)
		return;
	wait = jiffies - p->scx.runnable_at;
	if (wait > READ_ONCE(rc->wait))
		WRITE_ONCE(rc->wait, wait);
}

#endif /* RECORD_H */
