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

/**
 * struct bypass_cpu - a CPU's bypass DSQs
 * @dsq: the queue that is balanced
 * @urgent: tasks that others wait for, in front of it. Few: they stay
 * @home: the node's global DSQ, where the kernel would have queued the tasks.
 *	A task on a bypass DSQ keeps its scheduler loaded, so @home of its CPU
 *	is valid for as long as there is one.
 * @global_turn: the next pick looks at the global DSQ first. Protected by the
 *	rq's lock.
 * @urgent_row: how many urgent tasks were picked in a row. Protected by the
 *	rq's lock.
 * @urgent_only: no task of @dsq is to be picked for the moment. Written by the
 *	CPU's thread of quiet.c, which is on its way back to this CPU
 * @kick: wakes the CPU when it idles, for callers that hold scheduler locks
 * @cpu: the CPU
 */
struct bypass_cpu {
	struct scx_dispatch_q dsq;
	struct scx_dispatch_q urgent;
	struct scx_dispatch_q *home;
	bool global_turn;
	u8 urgent_row;
	bool urgent_only;
	struct irq_work kick;
	int cpu;
};

DECLARE_PER_CPU_SHARED_ALIGNED(struct bypass_cpu, bypass_cpus);

void bypass_dsq_init(void);
void bypass_dsq_exit(void);
void bypass_dsq_insert(struct scx_dispatch_q *dsq, struct task_struct *p,
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

/* Racy without the locks of both. */
static inline bool bypass_dsqs_empty(const struct bypass_cpu *bc)
{
	return list_empty(&bc->dsq.list) && list_empty(&bc->urgent.list);
}

/* The number of tasks waiting on @cpu's bypass DSQ, racy without its lock. */
static inline u32 bypass_dsq_nr(int cpu)
{
	return READ_ONCE(bypass_dsq(cpu)->nr);
}

#endif /* BYPASS_DSQ_H */
