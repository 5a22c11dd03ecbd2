/* SPDX-License-Identifier: GPL-2.0-only */
/* The bypass load balancer: two timers for each node. */
#ifndef BALANCER_H
#define BALANCER_H

#include <linux/cpumask.h>
#include <linux/hrtimer.h>
#include <linux/irq_work.h>
#include <linux/timer.h>
#include <linux/topology.h>

#include "plan.h"

/**
 * struct lb_node - the balancer of a NUMA node
 * @node: the node's number
 * @cpus: its possible CPUs. With numa=fake a CPU is in the masks of several nodes; it
 *	is in @cpus of one, and only that one's balancer touches its DSQs
 * @timer: starts the next pass, on a CPU of the node
 * @guard: looks for CPUs that do not serve their tasks, see guard.c
 * @start: starts both timers, on the CPU where they are to run
 * @donees: in a pass, the CPUs that may still receive tasks
 * @resched: in a pass, the CPUs that have received some
 * @vacant: while tasks are delivered, the CPUs that may still receive some
 * @unserved: a CPU does not serve its tasks
 * @wake_from: the CPU that @guard wakes first, if it idles
 * @nr_unserved: how often one was found
 * @nr_delivered: tasks delivered as bypass began
 * @nr_passes: passes so far
 * @nr_moved: tasks moved by them
 * @hold_max_ns: longest time that a donor's locks were held
 * @last_ns: when the last pass ended, ktime_get_mono_fast_ns()
 * @last_cpu: where the last pass ran
 *
 * @donees to @resched and @nr_passes to @last_cpu are written by @timer's function
 * alone, @unserved to @nr_unserved by that of @guard, @vacant and @nr_delivered by
 * deliver.c. Others read the counters without a lock.
 */
struct lb_node {
	int node;
	cpumask_var_t cpus;
	struct timer_list timer;
	struct hrtimer guard;
	struct irq_work start;
	cpumask_var_t donees;
	cpumask_var_t resched;
	cpumask_var_t vacant;
	bool unserved;
	int wake_from;
	u64 nr_unserved;
	u64 nr_delivered;
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

bool lb_may_receive(int cpu);
int lb_find_donee(struct task_struct *p, struct cpumask *donees);
struct lb_load lb_measure(const struct lb_node *node);
void lb_pass(struct lb_node *node);

#endif /* BALANCER_H */
