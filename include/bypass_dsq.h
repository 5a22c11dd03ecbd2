/* SPDX-License-Identifier: GPL-2.0-only */
/* Per-CPU bypass dispatch queues (DSQs). */
#ifndef BYPASS_DSQ_H
#define BYPASS_DSQ_H

#include <linux/irq_work.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/sched/ext.h>

/* numbered as 6.19 numbers its own */
#define SCX_DSQ_BYPASS	((u64)SCX_DSQ_FLAG_BUILTIN | 3)

/*
 * The DSQ lock is the second one. A flag of 6.19's; in older kernels the bit
 * is free, and it never reaches the kernel's own code.
 */
#define SCX_ENQ_NESTED	BIT_ULL(58)

/* the value of SCX_OPSS_NONE, which is in no header */
#define BYPASS_OPSS_NONE	0

/**
 * struct bypass_cpu - a CPU's bypass DSQs
 * @dsq: the queue that is balanced
 * @urgent: tasks that others wait for, in front of it
 * @home: the node's global DSQ, where the kernel would have queued the tasks of
 *	this CPU's run queue. A task on a bypass DSQ keeps its scheduler loaded, so
 *	@home is valid for as long as there is one.
 * @nr_picks: how often this CPU has looked at its DSQs for a task. Written with
 *	the rq locked
 * @nr_helped: tasks that it took from another CPU's DSQ. Written with the rq locked
 * @help_tick: until when it does not look at another CPU's DSQ while it has tasks
 *	itself, jiffies. Protected by the rq's lock
 * @help_from: the CPU whose DSQ it looks at first. Protected by the rq's lock
 * @global_turn: the next pick looks at the global DSQ first. Protected by the
 *	rq's lock
 * @urgent_row: how many urgent tasks were picked in a row. Protected by the
 *	rq's lock
 * @walked_tick: when another CPU has last walked all of these DSQs, jiffies. Racy
 * @unserved: this CPU does not serve its DSQs, so others do. Written by guard.c
 * @seen_picks: @nr_picks as guard.c has last seen it
 * @seen_ns: since when that has not changed, or since when tasks wait
 * @kick: wakes the CPU when it idles, for callers that hold scheduler locks
 * @cpu: the CPU
 */
struct bypass_cpu {
	struct scx_dispatch_q dsq;
	struct scx_dispatch_q urgent;
	struct scx_dispatch_q *home;
	u32 nr_picks;
	u64 nr_helped;
	unsigned long help_tick;
	int help_from;
	bool global_turn;
	u8 urgent_row;
	unsigned long walked_tick;
	bool unserved;
	u32 seen_picks;
	u64 seen_ns;
	struct irq_work kick;
	int cpu;
};

DECLARE_PER_CPU_SHARED_ALIGNED(struct bypass_cpu, bypass_cpus);

void bypass_dsq_init(void);
void bypass_dsq_exit(void);
u32 bypass_dsq_insert(struct scx_dispatch_q *dsq, struct task_struct *p,
		      u64 enq_flags);
void bypass_dsq_enqueue(struct scx_dispatch_q *global, struct task_struct *p,
			u64 enq_flags);
void bypass_dsq_unlink(struct scx_dispatch_q *dsq, struct task_struct *p);
struct task_struct *bypass_dsq_next(struct scx_dispatch_q *dsq,
				    struct list_head *pos);
bool bypass_dsq_may_move(struct task_struct *p, int cpu);

/* sweep.c */
void bypass_dsq_drain(void);
void bypass_dsq_recall(int dying);

static inline struct scx_dispatch_q *bypass_dsq(int cpu)
{
	return &per_cpu(bypass_cpus, cpu).dsq;
}

/* How many tasks wait on @cpu's balanced DSQ? Racy without its lock. */
static inline u32 bypass_dsq_nr(int cpu)
{
	return READ_ONCE(bypass_dsq(cpu)->nr);
}

/*
 * How many tasks wait on both DSQs of a CPU? Racy without the locks of both. Not
 * to be asked of the lists: these may have cursors in them.
 */
static inline u32 bypass_cpu_nr(const struct bypass_cpu *bc)
{
	return READ_ONCE(bc->dsq.nr) + READ_ONCE(bc->urgent.nr);
}

/* Changes whenever a task is queued on one of a CPU's DSQs. Racy as above. */
static inline u32 bypass_cpu_seq(const struct bypass_cpu *bc)
{
	return READ_ONCE(bc->dsq.seq) + READ_ONCE(bc->urgent.seq);
}

#endif /* BYPASS_DSQ_H */
