/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BYPASS_DSQ_H
#define BYPASS_DSQ_H

#include <linux/irq_work.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/sched/ext.h>

/**
 * struct bypass_cpu - a CPU's bypass DSQs
 * @dsq: the queue that is balanced
 * @urgent: tasks that others wait for, in front of it. No pass balances them
 * @home: the node's global DSQ, where the kernel would have queued the tasks of
 *	this CPU's run queue. A task on a bypass DSQ keeps its scheduler loaded, so
 *	@home is valid for as long as there is one.
 * @nr_picks: how often this CPU has looked at its DSQs for a task. Written with
 *	the rq locked
 * @guard: written by guard.c
 * @guard.unserved: this CPU does not serve its DSQs, or not soon, so others do. This and the next
 *	one are read without a lock
 * @guard.flooded: the only reason is that many urgent tasks wait for it
 * @guard.picks: @nr_picks as it was last seen
 * @guard.since_ns: since when that has not changed, or tasks of a higher class are there; or when
 *	the CPU had nothing to run. 0: it has not been looked at in this bypass
 * @help: owned by help.c
 * @help.own_until: until when this CPU does not look at another CPU's DSQ while it has tasks
 *	itself, jiffies. Protected by the rq's lock
 * @help.from: the CPU whose DSQ it looks at first, of those that are served, and of those that
 *	are not. This and the next three are protected by the rq's lock
 * @help.no_walk_until: until when it does not walk all of such a CPU's DSQ, because it has done so
 *	for nothing, jiffies
 * @help.walked_cpu: the unserved CPU whose DSQs have nothing for it, seen by such a walk
 * @help.walked_seq: the sequence number of that CPU's DSQs then
 * @kick: wakes the CPU when it idles, for callers that hold scheduler locks
 * @cpu: the CPU
 */
struct bypass_cpu {
	struct scx_dispatch_q dsq;
	struct scx_dispatch_q urgent;
	struct scx_dispatch_q *home;
	u32 nr_picks;
	struct {
		bool unserved;
		bool flooded;
		u32 picks;
		u64 since_ns;
	} guard;
	struct {
		unsigned long own_until;
		int from[2];
		unsigned long no_walk_until[2];
		int walked_cpu;
		u32 walked_seq;
	} help;
	struct irq_work kick;
	int cpu;
};

DECLARE_PER_CPU_SHARED_ALIGNED(struct bypass_cpu, bypass_cpus);

void bypass_dsq_init(void);
void bypass_dsq_exit(void);
u32 bypass_dsq_insert(struct scx_dispatch_q *dsq, struct task_struct *p, u64 enq_flags,
		      int subclass);
void bypass_dsq_unlink(struct scx_dispatch_q *dsq, struct task_struct *p);
struct task_struct *bypass_dsq_next(struct scx_dispatch_q *dsq, struct list_head *pos);
bool bypass_dsq_may_move(struct task_struct *p, int cpu);

/* For initializers: marks a place in a DSQ. */
#define BYPASS_DSQ_CURSOR(name) {			\
	.node = LIST_HEAD_INIT((name).node),		\
	.flags = SCX_DSQ_LNODE_ITER_CURSOR,		\
}

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
static inline u32 bypass_dsq_cpu_nr(const struct bypass_cpu *bc)
{
	return READ_ONCE(bc->dsq.nr) + READ_ONCE(bc->urgent.nr);
}

/* Changes whenever a task is queued on one of a CPU's DSQs. Racy as above. */
static inline u32 bypass_dsq_cpu_seq(const struct bypass_cpu *bc)
{
	return READ_ONCE(bc->dsq.seq) + READ_ONCE(bc->urgent.seq);
}

#endif /* BYPASS_DSQ_H */
