// SPDX-License-Identifier: GPL-2.0-only
/*
 * When the fair class gets its tasks back, its periodic balancing waits until it knows
 * something about them.
 *
 * While a scheduler has all tasks, the fair class does not balance (sched_tick()). When the
 * scheduler is unloaded, balancing is long overdue on all CPUs, and each balances at its
 * next tick, by what it knows then:
 *
 * - The load averages of the tasks have decayed to nothing in the meantime. A CPU's load is
 *   what its tasks have collected since they came. If they came two milliseconds before
 *   another CPU's, it looks several times as loaded, and loses up to all of its tasks.
 * - Each CPU has recorded how much capacity real-time tasks and interrupts leave to the fair
 *   class, as it balanced last: before the scheduler was loaded. So a CPU that was busy with
 *   them at that moment looks overloaded by a few tasks, and loses these.
 *
 * It then takes up to a second until the queues are even again. But the tasks have just been
 * delivered evenly (deliver.c). So the fair class is told that the CPUs have just been
 * balanced, and the records of capacity are renewed. CPUs that idle, or run out of tasks, are
 * not held up: their intervals are short, or they do not look at intervals.
 */
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched/topology.h>

#include "balance/defer.h"
#include "kern/kern.h"

/*
 * The upper limit of how long a busy CPU does not balance, ms. It is 32 ms for each CPU of a
 * domain, if that is less. A load average gets halfway in 32 ms.
 */
#define DEFER_MS_MAX	256

/* A scheduler had all tasks when tasks were delivered, in a bypass that has not ended. */
static bool defer_due;
/* when that was, jiffies */
static unsigned long defer_since;

/* The last_balance with which a busy CPU balances DEFER_MS_MAX after @since at the latest. */
static unsigned long defer_last_balance(const struct sched_domain *sd, unsigned long since)
{
	unsigned long ms = READ_ONCE(sd->max_interval) * READ_ONCE(sd->busy_factor);

	return since - (ms > DEFER_MS_MAX ? msecs_to_jiffies(ms - DEFER_MS_MAX) : 0);
}

/*
 * As after a balancing that has found nothing to do. The fair class uses this interval for an
 * idle CPU, and a multiple for a busy one, see get_sd_balance_interval(). As all of this is
 * only a hint, it has no lock.
 */
static void defer_domain(struct sched_domain *sd)
{
	WRITE_ONCE(sd->balance_interval, READ_ONCE(sd->max_interval));
	WRITE_ONCE(sd->last_balance, defer_last_balance(sd, READ_ONCE(defer_since)));
}

/*
 * A CPU's capacity is computed from its load by real-time tasks, which decays at its ticks. If
 * it was idle and had none, its first balancing corrects what is recorded here. (To update
 * the load first takes the rq lock. With that the scheduler was gone later than 20 ms in six of
 * six runs on a machine that forks, without it in one of six.)
 */
static void defer_renew_capacity(struct sched_domain *sd, int cpu)
{
	preempt_disable();
	static_call(kern_update_group_capacity)(sd, cpu);
	preempt_enable();
}

/**
 * defer_begin() - bypass has begun, and tasks have just been delivered
 *
 * Context: process, may be preempted.
 */
void defer_begin(void)
{
	struct sched_domain *sd;
	int cpu;

	if (!kern_all_switched())
		return;
	WRITE_ONCE(defer_since, jiffies);
	WRITE_ONCE(defer_due, true);
	rcu_read_lock();
	/* first those of CPUs: those of groups are their sums */
	for_each_online_cpu(cpu) {
		sd = rcu_dereference(*kern_cpu_domain(cpu));
		if (sd)
			defer_renew_capacity(sd, cpu);
	}
	for_each_online_cpu(cpu) {
		for (sd = rcu_dereference(*kern_cpu_domain(cpu)); sd;
		     sd = rcu_dereference(sd->parent)) {
			defer_domain(sd);
			defer_renew_capacity(sd, cpu);
		}
	}
	rcu_read_unlock();
}

/**
 * defer_end() - scx_bypass(false) has returned
 *
 * The fair class has got its tasks during this bypass, so balancing is put off once more where
 * it has not begun yet.
 *
 * Context: process, may be preempted.
 */
void defer_end(void)
{
	unsigned long since = READ_ONCE(defer_since);
	struct sched_domain *sd;
	int cpu;

	if (kern_bypassing() || kern_all_switched() || !xchg(&defer_due, false))
		return;
	WRITE_ONCE(defer_since, jiffies);
	rcu_read_lock();
	for_each_online_cpu(cpu)
		for (sd = rcu_dereference(*kern_cpu_domain(cpu)); sd;
		     sd = rcu_dereference(sd->parent))
			if (READ_ONCE(sd->last_balance) == defer_last_balance(sd, since))
				defer_domain(sd);
	rcu_read_unlock();
}
