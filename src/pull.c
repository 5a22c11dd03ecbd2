// SPDX-License-Identifier: GPL-2.0-only
/*
 * A CPU that has run dry in bypass does not wait for the balancer's timer: it
 * takes a task from the longest bypass DSQ of its node.
 *
 * Here is only said which. The kernel's own consume_dispatch_q() takes the task,
 * with the locks that this needs, as it does from a global DSQ.
 */
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/topology.h>

#include "bypass_dsq.h"
#include "kern.h"
#include "params.h"
#include "pull.h"

/* so many wait that one is worth the way: their CPU runs another one already */
#define PULL_MIN	2
/* Entries looked at. Pinned tasks in front of the others are not walked past. */
#define PULL_SCAN	16

static int longest_queue(int cpu)
{
	u32 most = PULL_MIN - 1;
	int other, longest = -1;

	for_each_cpu_and(other, cpumask_of_node(cpu_to_node(cpu)), cpu_active_mask) {
		u32 nr = bypass_dsq_nr(other);

		if (nr > most) {
			most = nr;
			longest = other;
		}
	}
	return longest;
}

/**
 * pull_source() - the DSQ from which a CPU without a task may take one
 * @cpu: the CPU
 *
 * A task that is taken from a CPU which is on its way down would leave that
 * waiting (see bypass_dsq_recall()). So both must be active: the kernel waits
 * for interrupts to have been on everywhere after it has said that one is not.
 *
 * Context: bypass, interrupts off, @cpu's rq locked. Takes a DSQ's lock.
 * Return: the DSQ, or NULL.
 */
struct scx_dispatch_q *pull_source(int cpu)
{
	struct scx_dispatch_q *dsq;
	struct task_struct *p;
	bool found = false;
	int donor, i;

	if (!READ_ONCE(idle_pull) || READ_ONCE(per_cpu(bypass_cpus, cpu).urgent_only) ||
	    !kern_cpu_schedulable(cpu))
		return NULL;
	donor = longest_queue(cpu);
	if (donor < 0)
		return NULL;
	dsq = bypass_dsq(donor);

	raw_spin_lock(&dsq->lock);
	p = bypass_dsq_next(dsq, &dsq->list);
	for (i = 0; p && i < PULL_SCAN && !found; i++) {
		found = bypass_dsq_may_move(p, cpu);
		p = bypass_dsq_next(dsq, &p->scx.dsq_list.node);
	}
	raw_spin_unlock(&dsq->lock);

	return found ? dsq : NULL;
}
