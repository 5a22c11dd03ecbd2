// SPDX-License-Identifier: GPL-2.0-only
/* The NUMA nodes, each in its own memory, where it has some. */
#include <linux/slab.h>
#include <linux/topology.h>

#include "balance/lb_node.h"

struct lb_node **lb_nodes;

static void lb_node_free(struct lb_node *node)
{
	if (!node)
		return;
	free_cpumask_var(node->cpus);
	free_cpumask_var(node->pass.donee_mask);
	free_cpumask_var(node->pass.resched_mask);
	kfree(node);
}

static struct lb_node * __init lb_node_alloc(int id)
{
	int near = node_state(id, N_MEMORY) ? id : NUMA_NO_NODE;
	struct lb_node *node = kzalloc_node(sizeof(*node), GFP_KERNEL, near);
	int cpu;

	if (!node)
		return NULL;
	node->id = id;
	node->pass.last_cpu = -1;
	if (!zalloc_cpumask_var_node(&node->cpus, GFP_KERNEL, near) ||
	    !zalloc_cpumask_var_node(&node->pass.donee_mask, GFP_KERNEL, near) ||
	    !zalloc_cpumask_var_node(&node->pass.resched_mask, GFP_KERNEL, near)) {
		lb_node_free(node);
		return NULL;
	}
	for_each_possible_cpu(cpu)
		if (cpu_to_node(cpu) == id)
			cpumask_set_cpu(cpu, node->cpus);
	return node;
}

/**
 * lb_node_place_cpu() - put a CPU into its node
 * @cpu: it comes up, and is not active yet
 *
 * A CPU that is not present may be counted in any node. Once it is plugged in, its own is known.
 *
 * Context: process, the CPU hotplug lock is held.
 */
void lb_node_place_cpu(int cpu)
{
	int id;

	for (id = 0; id < nr_node_ids; id++) {
		if (cpu_to_node(cpu) == id)
			cpumask_set_cpu(cpu, lb_nodes[id]->cpus);
		else
			cpumask_clear_cpu(cpu, lb_nodes[id]->cpus);
	}
}

/**
 * lb_node_exit() - free what lb_node_init() has allocated
 *
 * Context: process. The balancer is stopped.
 */
void lb_node_exit(void)
{
	int id;

	for (id = 0; id < nr_node_ids; id++)
		lb_node_free(lb_nodes[id]);
	kfree(lb_nodes);
}

/**
 * lb_node_init() - allocate what is kept of each possible node
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int __init lb_node_init(void)
{
	int id;

	lb_nodes = kcalloc(nr_node_ids, sizeof(*lb_nodes), GFP_KERNEL);
	if (!lb_nodes)
		return -ENOMEM;

	for (id = 0; id < nr_node_ids; id++) {
		lb_nodes[id] = lb_node_alloc(id);
		if (!lb_nodes[id]) {
			lb_node_exit();
			return -ENOMEM;
		}
	}
	return 0;
}
