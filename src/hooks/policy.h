/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef POLICY_H
#define POLICY_H

#include <linux/sched.h>
#include <linux/sched/ext.h>
#include <linux/types.h>

struct rq;

/* a CPU consumes from its two bypass DSQs, the global one and another CPU's */
#define POLICY_NR_SOURCES	4

/**
 * struct policy_pick - the DSQs that a pick looks at
 * @bc: of the CPU that picks
 * @global: the global DSQ for which the kernel has called
 * @dsq: the DSQs, in this order
 * @nr: how many
 * @next: the one that is looked at next
 * @again: if @helped turns out to be empty, look for another one
 * @helped: the one of them that is another CPU's, or NULL
 * @seq: changes when something is queued on @bc's DSQs
 */
struct policy_pick {
	struct bypass_cpu *bc;
	struct scx_dispatch_q *global;
	struct scx_dispatch_q *dsq[POLICY_NR_SOURCES];
	unsigned int nr;
	unsigned int next;
	bool again;
	struct scx_dispatch_q *helped;
	u32 seq;
};

/* the parameters; to be read with READ_ONCE() */
extern bool policy_readers_first, policy_kthreads_first;

void policy_enqueue(struct scx_dispatch_q *global, struct task_struct *p, u64 enq_flags);
void policy_begin(struct policy_pick *pick, int cpu, struct scx_dispatch_q *global);
struct scx_dispatch_q *policy_next(struct policy_pick *pick);
void policy_picked(const struct policy_pick *pick, struct scx_dispatch_q *dsq, struct rq *rq);

#endif /* POLICY_H */
