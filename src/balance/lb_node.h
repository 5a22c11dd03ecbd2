/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LB_NODE_H
#define LB_NODE_H

#include <linux/cpumask.h>
#include <linux/irq_work.h>

/**
 * struct lb_node - a NUMA node
 * @id: its number
 * @cpus: its possible CPUs. With numa=fake a CPU is in the masks of several nodes; it
 *	is in @cpus of one, and only that one's balancer touches its DSQs
 * @timing: owned by timing.c
 * @timing.guard_cpu: the CPU whose timer looks for CPUs that do not serve their tasks
 * @timing.pass_cpu: the CPU whose timer makes the passes
 * @timing.start: starts timers, on the CPU where they are to run
 * @timing.pass_now: @timing.start or the guard is to start a pass at once, too
 * @timing.pass_busy: bit 0: a pass is under way
 * @timing.pass_due: when the next pass is to begin, jiffies
 * @timing.looked_ns: when the guard has last looked, or was to be started, local_clock(): each
 *	pick reads it, and a clock of another kind may be slow
 * @pass: owned by bypass_lb.c
 * @pass.donee_mask: in a pass, the CPUs that may still receive tasks
 * @pass.resched_mask: in a pass, the CPUs that have received some
 * @pass.hold_max_ns: longest time that a donor's locks were held; this and the next
 *	two are read without a lock
 * @pass.last_ns: when the last pass ended, ktime_get_mono_fast_ns()
 * @pass.last_cpu: where it ran
 * @guard: written by guard.c
 * @guard.unserved: at least one CPU does not serve its tasks. Read by help.c without a lock
 * @guard.served: at least one CPU serves its tasks, or has none
 * @guard.wake_from: the CPU that is woken first, if it idles
 * @guard.wake_most: how many may be woken at the next look
 * @guard.wake_skip: how many looks are to wake none
 * @guard.helped: how many tasks its CPUs had taken from each other at the last look
 */
struct lb_node {
	int id;
	cpumask_var_t cpus;
	struct {
		int guard_cpu;
		int pass_cpu;
		struct irq_work start;
		bool pass_now;
		unsigned long pass_busy;
		unsigned long pass_due;
		u64 looked_ns;
	} timing;
	struct {
		cpumask_var_t donee_mask;
		cpumask_var_t resched_mask;
		u64 hold_max_ns;
		u64 last_ns;
		int last_cpu;
	} pass;
	struct {
		bool unserved;
		bool served;
		int wake_from;
		u32 wake_most;
		u32 wake_skip;
		u64 helped;
	} guard;
};

/* By number, below nr_node_ids. Written by lb_node.c alone. */
extern struct lb_node **lb_nodes;

int lb_node_init(void);
void lb_node_exit(void);
void lb_node_place_cpu(int cpu);

#endif /* LB_NODE_H */
