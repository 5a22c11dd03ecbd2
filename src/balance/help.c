// SPDX-License-Identifier: GPL-2.0-only
/*
 * What makes the bypass DSQs of a node work-conserving, as the node's one queue of
 * the stock kernel is: no task waits for one CPU alone.
 *
 * A CPU that has run dry takes a task from another CPU of its node. And a CPU that
 * has tasks itself takes one, in every second tick, from a CPU that does not serve its
 * DSQs: one where a real-time task spins, for example. In the other ticks it runs its
 * own, which may be urgent. guard.c finds such CPUs, and wakes those that idle while
 * tasks wait.
 *
 * This file only chooses the DSQ. The kernel's own consume_dispatch_q() takes the task,
 * with the locks that this needs, as it does from a global DSQ.
 */
#include <linux/jiffies.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/topology.h>

#include "balance/help.h"
#include "balance/lb_node.h"
#include "kern/kern.h"
#include "queue/bypass_dsq.h"

/* tasks looked at on a DSQ first: mostly there is one among them that may move */
#define HELP_SCAN	16
/* DSQs with tasks looked at in one pick; the next pick begins where this one ended */
#define HELP_TRIES	16
/* a search of all of an unserved CPU's DSQ that found nothing is remembered for so long, jiffies */
#define HELP_REMEMBER	HZ
/* a search that found nothing puts the next one off: a tick for each so many tasks, at most 4 */
#define HELP_WALK	1024
#define HELP_PAUSE	4

/*
 * Behind tasks that cannot move there may be one that can. It would wait until all of these have
 * run, and on the DSQ of an unserved CPU for ever. So all of that DSQ is searched, by each CPU of
 * the node, because a task may run on some CPUs only. Interrupts are off meanwhile, and the DSQ is
 * locked. So a CPU that has found nothing searches no other one of this kind, unserved or not, in
 * the same tick, and after a long search not for some more. It does not search an unserved CPU's
 * DSQ again for some time if nothing was queued.
 */
static bool help_may_walk(const struct bypass_cpu *bc, const struct bypass_cpu *donor,
			  bool unserved, u32 seq)
{
	unsigned long until = bc->help.no_walk_until[unserved];

	if (!time_after(jiffies, until))
		return false;
	return !unserved || bc->help.walked_cpu != donor->cpu || bc->help.walked_seq != seq ||
	       time_after(jiffies, until + HELP_REMEMBER);
}

/**
 * struct help_look - a look at the DSQs of another CPU
 * @walk: all of a DSQ may be searched
 * @wait: wait for a DSQ's lock, as every CPU does for the global DSQ's
 * @nr: tasks looked at on the longer one
 * @missed: a lock was not free
 */
struct help_look {
	bool walk;
	bool wait;
	u32 nr;
	bool missed;
};

/* Is there a task on @dsq that may run on @cpu? Takes its lock. */
static bool help_can_take(struct scx_dispatch_q *dsq, int cpu, struct help_look *look)
{
	u32 most = look->walk ? U32_MAX : HELP_SCAN, nr = 0;
	struct task_struct *p;
	bool found = false;

	if (!READ_ONCE(dsq->nr))
		return false;
	if (look->wait) {
		raw_spin_lock(&dsq->lock);
	} else if (!raw_spin_trylock(&dsq->lock)) {
		look->missed = true;
		return false;
	}
	p = bypass_dsq_next(dsq, &dsq->list);
	for (; p && nr < most && !found; p = bypass_dsq_next(dsq, &p->scx.dsq_list.node)) {
		found = bypass_dsq_may_move(p, cpu);
		nr++;
	}
	raw_spin_unlock(&dsq->lock);
	look->nr = max(look->nr, nr);
	return found;
}

static struct scx_dispatch_q *help_look_at(struct bypass_cpu *bc, struct bypass_cpu *donor,
					   struct help_look *look)
{
	if (help_can_take(&donor->urgent, bc->cpu, look))
		return &donor->urgent;
	if (help_can_take(&donor->dsq, bc->cpu, look))
		return &donor->dsq;
	return NULL;
}

/*
 * After a search that has found nothing. The next one begins at another CPU, so that each has its
 * turn.
 */
static void help_note_walk(struct bypass_cpu *bc, const struct bypass_cpu *donor, bool unserved,
			   u32 seq, const struct help_look *walk)
{
	bc->help.no_walk_until[unserved] = jiffies + min(walk->nr / HELP_WALK, HELP_PAUSE);
	bc->help.from[unserved] = donor->cpu + 1;
	if (unserved && !walk->missed) {
		bc->help.walked_cpu = donor->cpu;
		bc->help.walked_seq = seq;
	}
}

/*
 * A CPU that has no task waits for the locks of a CPU that reacts, but not in order to search
 * all of a DSQ. One that has tasks itself never does: another try comes soon.
 */
static struct scx_dispatch_q *help_from(struct bypass_cpu *bc, struct bypass_cpu *donor,
					bool unserved)
{
	struct help_look look = { .wait = !unserved };
	struct help_look walk = { .walk = true };
	u32 seq = bypass_dsq_cpu_seq(donor);
	struct scx_dispatch_q *dsq;

	dsq = help_look_at(bc, donor, &look);
	if (dsq || look.nr < HELP_SCAN || !help_may_walk(bc, donor, unserved, seq))
		return dsq;

	dsq = help_look_at(bc, donor, &walk);
	if (!dsq)
		help_note_walk(bc, donor, unserved, seq, &walk);
	return dsq;
}

/*
 * Look once around the node's CPUs that are @unserved, or that are not, from where the last such
 * look ended. One that is on its way down gives tasks, too: it may not run those of other run
 * queues any more.
 */
static struct scx_dispatch_q *help_find(struct bypass_cpu *bc, const struct lb_node *node,
					bool unserved)
{
	unsigned int tries = HELP_TRIES;
	int cpu, from = bc->help.from[unserved];

	for_each_cpu_wrap(cpu, node->cpus, from) {
		struct bypass_cpu *donor = per_cpu_ptr(&bypass_cpus, cpu);
		struct scx_dispatch_q *dsq;

		/* first what many CPUs share: there may be thousands that are only possible */
		if (!cpu_online(cpu) || donor == bc || !bypass_dsq_cpu_nr(donor) ||
		    READ_ONCE(donor->guard.unserved) != unserved)
			continue;
		/* not behind the place where the next search is to begin */
		if (time_after(jiffies, bc->help.no_walk_until[unserved]))
			bc->help.from[unserved] = cpu;
		dsq = help_from(bc, donor, unserved);
		if (dsq)
			return dsq;
		if (!--tries)
			break;
	}
	return NULL;
}

/**
 * help_source() - another CPU's DSQ from which a CPU takes a task
 * @bc: the CPU
 * @idle: it has no task itself; otherwise only DSQs that are not served count
 *
 * Context: bypass, interrupts off, @bc's rq locked. Takes DSQ locks, one at a time.
 * Return: the DSQ, or NULL. What it has may be gone again.
 */
struct scx_dispatch_q *help_source(struct bypass_cpu *bc, bool idle)
{
	const struct lb_node *node = lb_nodes[cpu_to_node(bc->cpu)];
	struct scx_dispatch_q *dsq = NULL;
	bool unserved = READ_ONCE(node->guard.unserved) &&
			(idle || time_after(jiffies, bc->help.own_until));

	if ((!idle && !unserved) || !kern_cpu_schedulable(bc->cpu))
		return NULL;
	/* a task of a higher class comes next: what is taken now would wait for it, here alone */
	if (kern_all_switched() && kern_cpu_nr_others(bc->cpu))
		return NULL;
	if (unserved) {
		if (!idle)
			bc->help.own_until = jiffies + 1;
		dsq = help_find(bc, node, true);
	}
	if (!dsq && idle)
		dsq = help_find(bc, node, false);
	return dsq;
}
