// SPDX-License-Identifier: GPL-2.0-only
/* /sys/kernel/debug/scx_bypass_lb/status: the module's state in one look. */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/timekeeping.h>
#include <linux/topology.h>

#include "balancer.h"
#include "bypass_dsq.h"
#include "hooks.h"
#include "kern.h"
#include "params.h"
#include "redirect.h"
#include "status.h"

static struct dentry *dir;

/* Tasks that the CPUs of a node have taken from others. */
static u64 nr_helped(const struct lb_node *node)
{
	u64 nr = 0;
	int cpu;

	for_each_cpu(cpu, node->cpus)
		nr += READ_ONCE(per_cpu(bypass_cpus, cpu).nr_helped);
	return nr;
}

static void show_node(struct seq_file *m, const struct lb_node *node)
{
	u64 last = READ_ONCE(node->last_ns);
	/* read after the time that is subtracted from it */
	u64 now = ktime_get_mono_fast_ns();

	seq_printf(m, "node %d: delivered %llu, passes %llu, moved %llu, helped %llu, unserved %llu, ",
		   node->node, READ_ONCE(node->nr_delivered), READ_ONCE(node->nr_passes),
		   READ_ONCE(node->nr_moved), nr_helped(node),
		   READ_ONCE(node->nr_unserved));
	seq_printf(m, "longest lock hold %llu ns, last pass ", READ_ONCE(node->hold_max_ns));
	if (last)
		seq_printf(m, "%llu ms ago on CPU %d\n",
			   (now - last) / NSEC_PER_MSEC, READ_ONCE(node->last_cpu));
	else
		seq_puts(m, "never\n");
}

static int status_show(struct seq_file *m, void *unused)
{
	int node, cpu;

	seq_printf(m, "hooks: %s\n", hooks_active() ? "active" : "inactive");
	seq_printf(m, "proven: %s\n", hooks_are_proven() ? "yes" : "no");
	seq_printf(m, "backend: %s\n", redirect_backend());
	seq_printf(m, "bypass: %s\n", kern_bypassing() ? "on" : "off");
	seq_printf(m, "bypass_lb_intv_us: %u\n", READ_ONCE(bypass_lb_intv_us));
	seq_printf(m, "slice_bypass_us: %u\n", READ_ONCE(slice_bypass_us));

	for_each_node_state(node, N_CPU)
		show_node(m, balancer_node(node));
	for_each_online_cpu(cpu)
		seq_printf(m, "cpu %d: node %d, queued %u\n", cpu, cpu_to_node(cpu),
			   bypass_cpu_nr(per_cpu_ptr(&bypass_cpus, cpu)));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(status);

/**
 * status_init() - create the status file
 *
 * A kernel without debugfs goes without it.
 *
 * Context: process, may sleep.
 */
void status_init(void)
{
	dir = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_file("status", 0400, dir, NULL, &status_fops);
}

/**
 * status_exit() - remove the status file and wait for its readers
 *
 * Context: process, may sleep.
 */
void status_exit(void)
{
	debugfs_remove(dir);
}
