/* SPDX-License-Identifier: GPL-2.0-only */
/* The bypass load balancer: a timer for each node. */
#ifndef BALANCER_H
#define BALANCER_H

#include <linux/cpumask.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

/**
 * struct lb_node - the balancer of a NUMA node
 * @node: the node's number
 * @lock: serializes arming @timer; taken with interrupts off, innermost but
 *	for the timer base's own lock
 * @timer: starts the next pass, on a CPU of the node
 * @donees: in a pass, the CPUs that may still receive tasks
 * @kicks: in a pass, the CPUs that have received some
 * @nr_passes: passes so far
 * @nr_moved: tasks moved so far
 * @hold_max_ns: longest time that a donor's locks were held
 * @last_ns: when the last pass ended, ktime_get_mono_fast_ns()
 * @last_cpu: where the last pass ran
 *
 * All below @timer is written by the timer's function only and read without
 * a lock by the status file.
 */
struct lb_node {
	int node;
	raw_spinlock_t lock;
	struct timer_list timer;
	cpumask_var_t donees;
	cpumask_var_t kicks;
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
const struct lb_node *balancer_node(int node);

void lb_pass(struct lb_node *node);

#endif /* BALANCER_H */
