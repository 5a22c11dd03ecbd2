// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/scx_bypass_lb: what the module does, for programs and for people.
 *
 *   status	lines "key: value", a fixed set of keys
 *   history	the last bypass episodes, see record.c
 *
 * Both are an interface: docs/ABI describes each key.
 */
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
#include "record.h"
#include "redirect.h"
#include "status.h"

static struct dentry *dir;

static void show_flag(struct seq_file *m, const char *key, bool on)
{
	seq_printf(m, "%s: %c\n", key, on ? 'Y' : 'N');
}

static void show_params(struct seq_file *m)
{
	seq_printf(m, "bypass_lb_intv_us: %u\n", READ_ONCE(bypass_lb_intv_us));
	seq_printf(m, "slice_bypass_us: %u\n", READ_ONCE(slice_bypass_us));
	show_flag(m, "readers_first", READ_ONCE(readers_first));
	show_flag(m, "kthreads_first", READ_ONCE(kthreads_first));
	show_flag(m, "expedite_rcu", READ_ONCE(expedite_rcu));
}

static void show_totals(struct seq_file *m)
{
	struct record_totals t = record_totals();

	seq_printf(m, "now_ns: %llu\n", ktime_get_mono_fast_ns());
	seq_printf(m, "bypass_since_ns: %llu\n", t.since_ns);
	seq_printf(m, "bypass_total_ns: %llu\n", t.bypass_ns);
	seq_printf(m, "episodes: %llu\n", t.episodes);
	seq_printf(m, "readers: %llu\n", t.readers);
	seq_printf(m, "kthreads: %llu\n", t.kthreads);
	seq_printf(m, "expedited: %llu\n", t.expedited);
}

static void show_node(struct seq_file *m, int nr)
{
	const struct lb_node *node = balancer_node(nr);
	struct record_counts c = record_node_counts(node);

	seq_printf(m, "node%d_passes: %llu\n", nr, c.passes);
	seq_printf(m, "node%d_moved: %llu\n", nr, c.moved);
	seq_printf(m, "node%d_delivered: %llu\n", nr, c.delivered);
	seq_printf(m, "node%d_helped: %llu\n", nr, c.helped);
	seq_printf(m, "node%d_unserved: %llu\n", nr, c.unserved);
	seq_printf(m, "node%d_hold_max_ns: %llu\n", nr, READ_ONCE(node->hold_max_ns));
	seq_printf(m, "node%d_last_pass_ns: %llu\n", nr, READ_ONCE(node->last_ns));
	seq_printf(m, "node%d_last_pass_cpu: %d\n", nr, READ_ONCE(node->last_cpu));
}

static void show_cpu(struct seq_file *m, int cpu)
{
	seq_printf(m, "cpu%d_node: %d\n", cpu, cpu_to_node(cpu));
	seq_printf(m, "cpu%d_queued: %u\n", cpu, bypass_dsq_nr(cpu));
	seq_printf(m, "cpu%d_urgent: %u\n", cpu, READ_ONCE(per_cpu(bypass_cpus, cpu).urgent.nr));
}

static int status_show(struct seq_file *m, void *unused)
{
	int node, cpu;

	seq_printf(m, "version: %s\n", SCX_BYPASS_LB_VERSION);
	seq_printf(m, "backend: %s\n", redirect_backend());
	seq_printf(m, "hooks: %s\n", hooks_active() ? "active" : "inactive");
	seq_printf(m, "proven: %s\n", hooks_are_proven() ? "yes" : "no");
	seq_printf(m, "bypass: %s\n", kern_bypassing() ? "on" : "off");
	show_totals(m);
	show_params(m);
	for_each_node_state(node, N_CPU)
		show_node(m, node);
	for_each_online_cpu(cpu)
		show_cpu(m, cpu);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(status);

static int history_show(struct seq_file *m, void *unused)
{
	record_show(m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(history);

/**
 * status_init() - create the files
 *
 * A kernel without debugfs goes without them.
 *
 * Context: process, may sleep.
 */
void status_init(void)
{
	dir = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_file("status", 0400, dir, NULL, &status_fops);
	debugfs_create_file("history", 0400, dir, NULL, &history_fops);
}

/**
 * status_exit() - remove them and wait for their readers
 *
 * Context: process, may sleep.
 */
void status_exit(void)
{
	debugfs_remove(dir);
}
