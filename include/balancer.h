/* SPDX-License-Identifier: GPL-2.0-only */
/* The bypass load balancer: a timer for each node. */
#ifndef BALANCER_H
#define BALANCER_H

#include <linux/cpumask.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

#include "plan.h"

/**
 * struct lb_node - the balancer of a NUMA node
 * @node: the node's number
 * @lock: serializes arming @timer; taken with interrupts off, innermost but
 *	for the timer base's own lock
 * @timer: starts the next pass, on a CPU of the node
 * @donees: in a pass, the CPUs that may still receive tasks
 * @kicks: in a pass, the CPUs that have received some
 * @vacant: while bypass begins, the CPUs that may still receive tasks
 * @planned: while bypass begins, what the run queues had before
 * @nr_spread_now: while bypass begins, tasks spread so far
 * @nr_spread: tasks spread before
 * @nr_passes: passes so far
 * @nr_moved: tasks moved so far
 * @hold_max_ns: longest time that a donor's locks were held
 * @last_ns: when the last pass ended, ktime_get_mono_fast_ns()
 * @last_cpu: where the last pass ran
 *
 * What is of a pass is written by the timer's function only, what is of the
 * beginning of bypass by whoever makes it begin, see spread.c. The status file
 * reads without a lock.
 */
struct lb_node {
	int node;
	raw_spinlock_t lock;
	struct timer_list timer;
	cpumask_var_t donees;
	cpumask_var_t kicks;
	cpumask_var_t vacant;
	struct lb_load planned;
	u32 nr_spread_now;
	u64 nr_spread;
	u64 nr_passes;
	u64 nr_moved;
	u64 hold_max_ns;
	u64 last_ns;
	int last_cpu;
};

int balancer_init(void);
void balancer_exit(void);
void balancer_start(void);
void balancer_stop(void);
void balancer_update(void);
struct lb_node *balancer_node(int node);

int lb_find_donee(struct task_struct *p, const struct cpumask *donees);
struct lb_load lb_measure(const struct lb_node *node);
void lb_pass(struct lb_node *node);

#endif /* BALANCER_H */
