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
 * balanced, and the records of capacity are renewed. An idle CPU still balances after a few
 * milliseconds, and a CPU that runs out of tasks pulls some at once.
 */
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <linux/sched/topology.h>

#include "balance/defer.h"
#include "kern/kern.h"

/*
 * The first balancing of a busy CPU comes so much later, ms, at most; in a domain of four
 * CPUs half of it. A load average gets halfway in 32 ms, so it is at 94 % in four times that.
 */
#define DEFER_MS_MAX	256

/* This bypass has begun while the fair class did not balance. */
static bool defer_due;

/*
 * As after a balancing that has found nothing to do. The interval of a busy CPU is longer,
 * see get_sd_balance_interval(). The fair class writes all of this without a lock, too.
 */
static void defer_domain(struct sched_domain *sd)
{
	unsigned int ms = READ_ONCE(sd->max_interval) * READ_ONCE(sd->busy_factor);
	unsigned int early = ms > DEFER_MS_MAX ? ms - DEFER_MS_MAX : 0;

	WRITE_ONCE(sd->balance_interval, READ_ONCE(sd->max_interval));
	WRITE_ONCE(sd->last_balance, jiffies - msecs_to_jiffies(early));
}

static void defer_all_cpus(void)
{
	struct sched_domain *sd;
	int cpu;

	rcu_read_lock();
	for_each_online_cpu(cpu) {
		/* from the lowest: a domain's capacity is the sum of those below it */
		for (sd = rcu_dereference(*kern_cpu_domain(cpu)); sd;
		     sd = rcu_dereference(sd->parent)) {
			static_call(kern_update_group_capacity)(sd, cpu);
			defer_domain(sd);
		}
	}
	rcu_read_unlock();
}

/**
 * defer_begin() - bypass has begun, and tasks have been delivered
 *
 * Context: process, may be preempted. The hooks are redirecting.
 */
void defer_begin(void)
{
	if (!kern_all_switched())
		return;
	WRITE_ONCE(defer_due, true);
	defer_all_cpus();
}

/**
 * defer_end() - scx_bypass(false) has returned
 *
 * The fair class has got its tasks during this bypass, which may have lasted longer than what
 * defer_begin() has put off. If the scheduler is still loaded, the fair class does not balance.
 *
 * Context: process, may be preempted.
 */
void defer_end(void)
{
	if (!kern_bypassing() && xchg(&defer_due, false) && !kern_all_switched())
		defer_all_cpus();
}
