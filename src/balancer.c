// SPDX-License-Identifier: GPL-2.0-only
/*
 * When the balancer runs: two timers for each NUMA node, on a CPU of that node, so
 * that the nodes are balanced at the same time and by local memory. One runs the passes,
 * the other is the guard's.
 *
 * They are started as soon as bypass has begun, for a first pass at once, and then
 * start themselves again for as long as bypass is on. The timer core sees to it that a
 * timer's function does not run twice at the same time: a timer that is started while
 * its function runs elsewhere stays there. add_timer_on() would not look; so a timer is
 * started by an interrupt of the CPU where it is to run, on that CPU.
 */
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sched/isolation.h>
#include <linux/slab.h>

#include "balancer.h"
#include "deliver.h"
#include "guard.h"
#include "kern.h"
#include "params.h"

static struct lb_node **balancer_nodes;

/* may timers be started? */
static bool balancer_started;

static bool balancer_is_wanted(void)
{
	return READ_ONCE(balancer_started) && kern_in_bypass();
}

/* Soft interrupt; on PREEMPT_RT the timer thread. */
static void balancer_timer_fn(struct timer_list *timer)
{
	struct lb_node *node = container_of(timer, struct lb_node, timer);
	unsigned int intv_us = READ_ONCE(bypass_lb_intv_us);
	unsigned long delay = 1;

	if (!intv_us || !balancer_is_wanted())
		return;
	if (!deliver_is_due()) {
		lb_pass(node);
		delay = max(usecs_to_jiffies(intv_us), 1UL);
	}
	mod_timer(timer, jiffies + delay);
}

/* Interrupts are off. */
static void balancer_start_guard(struct lb_node *node)
{
	hrtimer_start(&node->guard, ns_to_ktime(GUARD_INTV_NS), HRTIMER_MODE_REL_PINNED_HARD);
}

static enum hrtimer_restart balancer_guard_fn(struct hrtimer *timer)
{
	struct lb_node *node = container_of(timer, struct lb_node, guard);

	if (balancer_is_wanted()) {
		guard_look(node);
		balancer_start_guard(node);
	} else {
		guard_forget(node);
	}
	return HRTIMER_NORESTART;
}

/* On the CPU where the timers are to run, interrupts are off. */
static void balancer_start_fn(struct irq_work *work)
{
	struct lb_node *node = container_of(work, struct lb_node, start);

	if (!balancer_is_wanted())
		return;
	/* not put off by each update */
	if (!hrtimer_is_queued(&node->guard))
		balancer_start_guard(node);
	if (READ_ONCE(bypass_lb_intv_us))
		mod_timer(&node->timer, jiffies);
}

/*
 * The CPU for a node's timers: one that is not on its way down, that does the kernel's
 * housekeeping, and where no real-time task runs, in this order. A CPU that comes up is
 * not active yet, but may be the only one. None for a node without an online CPU.
 */
static int balancer_cpu(const struct lb_node *node)
{
	int cpu, best = -1, best_score = -1;

	for_each_cpu_and(cpu, node->cpus, cpu_online_mask) {
		int score = 4 * cpu_active(cpu) + 2 * housekeeping_test_cpu(cpu, HK_TYPE_TIMER) +
			    !kern_cpu_nr_others(cpu);

		if (score > best_score) {
			best = cpu;
			best_score = score;
		}
	}
	return best;
}

/**
 * balancer_update() - act on a change of bypass, of the interval, or of the CPUs
 *
 * Starts a pass at once on every node if bypass is on, and the interval from then on.
 *
 * Context: process or any other with no scheduler locks held.
 */
void balancer_update(void)
{
	int i;

	/* before balancer_init() parameters come from the command line */
	if (!READ_ONCE(balancer_nodes) || !balancer_is_wanted())
		return;

	for (i = 0; i < nr_node_ids; i++) {
		struct lb_node *node = balancer_nodes[i];
		int cpu;

		/* a CPU that is online stays so until this is over */
		preempt_disable();
		cpu = balancer_cpu(node);
		if (cpu >= 0)
			static_call(kern_irq_work_queue_on)(&node->start, cpu);
		preempt_enable();
	}
}

/**
 * balancer_start() - allow timers to be started
 *
 * Context: process.
 */
void balancer_start(void)
{
	int i;

	/* balancer_stop() has shut them down */
	for (i = 0; i < nr_node_ids; i++)
		timer_setup(&balancer_nodes[i]->timer, balancer_timer_fn, TIMER_PINNED);
	WRITE_ONCE(balancer_started, true);
}

/**
 * balancer_stop() - stop the timers and wait for passes under way
 *
 * Context: process, may sleep.
 */
void balancer_stop(void)
{
	int i;

	WRITE_ONCE(balancer_started, false);
	/* interrupts that have seen it set may still start a timer */
	synchronize_rcu();
	for (i = 0; i < nr_node_ids; i++) {
		irq_work_sync(&balancer_nodes[i]->start);
		hrtimer_cancel(&balancer_nodes[i]->guard);
		guard_forget(balancer_nodes[i]);
		timer_shutdown_sync(&balancer_nodes[i]->timer);
	}
}

/**
 * balancer_node() - a node's balancer
 * @node: the node's number, below nr_node_ids
 *
 * Context: any.
 */
struct lb_node *balancer_node(int node)
{
	return balancer_nodes[node];
}

static void balancer_free_node(struct lb_node *node)
{
	if (!node)
		return;
	/* sent before balancer_stop(), to a CPU that has not taken the interrupt yet */
	irq_work_sync(&node->start);
	free_cpumask_var(node->cpus);
	free_cpumask_var(node->donees);
	free_cpumask_var(node->resched);
	free_cpumask_var(node->vacant);
	kfree(node);
}

/* In the node's own memory, where it has some. */
static struct lb_node *balancer_alloc_node(int id)
{
	int near = node_state(id, N_MEMORY) ? id : NUMA_NO_NODE;
	struct lb_node *node = kzalloc_node(sizeof(*node), GFP_KERNEL, near);
	int cpu;

	if (!node)
		return NULL;
	node->node = id;
	node->last_cpu = -1;
	node->start = IRQ_WORK_INIT_HARD(balancer_start_fn);
	kern_hrtimer_setup(&node->guard, balancer_guard_fn, CLOCK_MONOTONIC,
			   HRTIMER_MODE_REL_PINNED_HARD);
	if (!zalloc_cpumask_var_node(&node->cpus, GFP_KERNEL, near) ||
	    !zalloc_cpumask_var_node(&node->donees, GFP_KERNEL, near) ||
	    !zalloc_cpumask_var_node(&node->resched, GFP_KERNEL, near) ||
	    !zalloc_cpumask_var_node(&node->vacant, GFP_KERNEL, near)) {
		balancer_free_node(node);
		return NULL;
	}
	for_each_possible_cpu(cpu)
		if (cpu_to_node(cpu) == id)
			cpumask_set_cpu(cpu, node->cpus);
	return node;
}

/**
 * balancer_exit() - free what balancer_init() has allocated
 *
 * Context: process. The balancer is stopped.
 */
void balancer_exit(void)
{
	struct lb_node **nodes = balancer_nodes;
	int i;

	/* a parameter may still be written until the module is gone */
	kernel_param_lock(THIS_MODULE);
	WRITE_ONCE(balancer_nodes, NULL);
	kernel_param_unlock(THIS_MODULE);

	for (i = 0; i < nr_node_ids; i++)
		balancer_free_node(nodes[i]);
	kfree(nodes);
}

/**
 * balancer_init() - allocate a balancer for each possible node
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int balancer_init(void)
{
	struct lb_node **nodes;
	int i;

	nodes = kcalloc(nr_node_ids, sizeof(*nodes), GFP_KERNEL);
	if (!nodes)
		return -ENOMEM;
	WRITE_ONCE(balancer_nodes, nodes);

	for (i = 0; i < nr_node_ids; i++) {
		nodes[i] = balancer_alloc_node(i);
		if (!nodes[i]) {
			balancer_exit();
			return -ENOMEM;
		}
	}
	return 0;
}
