// SPDX-License-Identifier: GPL-2.0-only
/*
 * When the balancer runs: a timer for each NUMA node, on a CPU of that node,
 * so that the nodes are balanced at the same time and by local memory.
 *
 * A timer is armed as soon as bypass has begun, for a first pass at once, and
 * by every pass for the next one. It is disarmed behind scx_bypass(false), when
 * all tasks have left the bypass DSQs.
 */
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/topology.h>

#include "balancer.h"
#include "kern.h"
#include "params.h"

static struct lb_node *lb_nodes;

/* may timers be armed? Read and written with each node's lock held */
static bool started;

/*
 * Arm @node's timer, with its lock held. A node without an online CPU has no
 * tasks to balance.
 */
static void arm(struct lb_node *node, unsigned long delay)
{
	unsigned int cpu;

	lockdep_assert_held(&node->lock);

	cpu = cpumask_any_and(cpumask_of_node(node->node), cpu_online_mask);
	if (cpu >= nr_cpu_ids)
		return;
	node->timer.expires = jiffies + delay;
	add_timer_on(&node->timer, cpu);
}

/* Soft interrupt; on PREEMPT_RT the timer thread. */
static void timer_fn(struct timer_list *timer)
{
	struct lb_node *node = container_of(timer, struct lb_node, timer);
	unsigned int intv_us = READ_ONCE(bypass_lb_intv_us);
	unsigned long flags;

	if (!intv_us || !kern_bypassing())
		return;

	lb_pass(node);

	raw_spin_lock_irqsave(&node->lock, flags);
	if (started && !timer_pending(timer) && READ_ONCE(bypass_lb_intv_us))
		arm(node, max(usecs_to_jiffies(intv_us), 1UL));
	raw_spin_unlock_irqrestore(&node->lock, flags);
}

/**
 * balancer_update() - act on a change of bypass or of the interval
 *
 * Starts a pass at once on every node if bypass is on, and the interval from
 * then on; stops the timers if the interval is 0.
 *
 * Context: process or any other with no scheduler locks held. Takes each
 * node's lock.
 */
void balancer_update(void)
{
	unsigned long flags;
	int i;

	/* before balancer_init() parameters come from the command line */
	if (!READ_ONCE(lb_nodes))
		return;

	for (i = 0; i < nr_node_ids; i++) {
		struct lb_node *node = &lb_nodes[i];

		raw_spin_lock_irqsave(&node->lock, flags);
		if (started) {
			timer_delete(&node->timer);
			if (READ_ONCE(bypass_lb_intv_us) && kern_bypassing())
				arm(node, 0);
		}
		raw_spin_unlock_irqrestore(&node->lock, flags);
	}
}

static void set_started(bool to)
{
	unsigned long flags;
	int i;

	for (i = 0; i < nr_node_ids; i++) {
		raw_spin_lock_irqsave(&lb_nodes[i].lock, flags);
		started = to;
		raw_spin_unlock_irqrestore(&lb_nodes[i].lock, flags);
	}
}

/**
 * balancer_start() - allow timers to be armed
 *
 * Context: process.
 */
void balancer_start(void)
{
	int i;

	for (i = 0; i < nr_node_ids; i++)
		timer_setup(&lb_nodes[i].timer, timer_fn, TIMER_PINNED);
	set_started(true);
}

/**
 * balancer_stop() - stop the timers and wait for passes under way
 *
 * Context: process, may sleep.
 */
void balancer_stop(void)
{
	int i;

	set_started(false);
	for (i = 0; i < nr_node_ids; i++)
		timer_shutdown_sync(&lb_nodes[i].timer);
}

/**
 * balancer_node() - a node's balancer, to look at its figures
 * @node: the node's number, below nr_node_ids
 *
 * Context: any.
 */
struct lb_node *balancer_node(int node)
{
	return &lb_nodes[node];
}

/**
 * balancer_exit() - free what balancer_init() has allocated
 *
 * Context: process. The balancer is stopped.
 */
void balancer_exit(void)
{
	struct lb_node *nodes = lb_nodes;
	int i;

	/* a parameter may still be written until the module is gone */
	kernel_param_lock(THIS_MODULE);
	WRITE_ONCE(lb_nodes, NULL);
	kernel_param_unlock(THIS_MODULE);

	for (i = 0; i < nr_node_ids; i++) {
		free_cpumask_var(nodes[i].donees);
		free_cpumask_var(nodes[i].kicks);
		free_cpumask_var(nodes[i].vacant);
	}
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
	struct lb_node *nodes;
	int i;

	nodes = kcalloc(nr_node_ids, sizeof(*nodes), GFP_KERNEL);
	if (!nodes)
		return -ENOMEM;

	for (i = 0; i < nr_node_ids; i++) {
		nodes[i].node = i;
		nodes[i].last_cpu = -1;
		raw_spin_lock_init(&nodes[i].lock);
	}
	WRITE_ONCE(lb_nodes, nodes);

	for (i = 0; i < nr_node_ids; i++) {
		if (!zalloc_cpumask_var(&nodes[i].donees, GFP_KERNEL) ||
		    !zalloc_cpumask_var(&nodes[i].kicks, GFP_KERNEL) ||
		    !zalloc_cpumask_var(&nodes[i].vacant, GFP_KERNEL)) {
			balancer_exit();
			return -ENOMEM;
		}
	}
	return 0;
}
