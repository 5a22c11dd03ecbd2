// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/scx_bypass_lb: what the module does, for programs and for people.
 *
 *   status	lines "key: value", a fixed set of keys
 *   history	the last bypass episodes, the oldest one first
 *
 * Both are an interface: docs/ABI describes each key.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/string_helpers.h>
#include <linux/timekeeping.h>
#include <linux/topology.h>

#include "balance/lb_node.h"
#include "balance/timing.h"
#include "hasten/expedite.h"
#include "hooks/policy.h"
#include "hooks/proof.h"
#include "hooks/state.h"
#include "kern/kern.h"
#include "queue/bypass_dsq.h"
#include "record/count.h"
#include "record/episode.h"
#include "redirect/redirect.h"
#include "status.h"

static struct dentry *status_dir;

static void status_show_flag(struct seq_file *m, const char *key, bool on)
{
	seq_printf(m, "%s: %c\n", key, on ? 'Y' : 'N');
}

static void status_show_params(struct seq_file *m)
{
	seq_printf(m, "bypass_lb_intv_us: %u\n", READ_ONCE(timing_bypass_lb_intv_us));
	seq_printf(m, "slice_bypass_us: %u\n", READ_ONCE(timing_slice_bypass_us));
	status_show_flag(m, "readers_first", READ_ONCE(policy_readers_first));
	status_show_flag(m, "kthreads_first", READ_ONCE(policy_kthreads_first));
	status_show_flag(m, "expedite_rcu", READ_ONCE(expedite_rcu));
}

static void status_show_totals(struct seq_file *m)
{
	struct episode_totals t = episode_totals();
	struct counts c = count_sum(cpu_possible_mask);
	int id;

	seq_printf(m, "bypass_since_ns: %llu\n", t.since_ns);
	seq_printf(m, "bypass_total_ns: %llu\n", t.bypass_ns);
	seq_printf(m, "episodes: %llu\n", t.episodes);
	for (id = NR_NODE_COUNTS; id < NR_COUNTS; id++)
		seq_printf(m, "%s: %llu\n", count_names[id], c.nr[id]);
}

static void status_show_node(struct seq_file *m, int nr)
{
	const struct lb_node *node = lb_nodes[nr];
	struct counts c = count_sum(node->cpus);
	int id;

	for (id = 0; id < NR_NODE_COUNTS; id++)
		seq_printf(m, "node%d_%s: %llu\n", nr, count_names[id], c.nr[id]);
	seq_printf(m, "node%d_hold_max_ns: %llu\n", nr, READ_ONCE(node->pass.hold_max_ns));
	seq_printf(m, "node%d_last_pass_ns: %llu\n", nr, READ_ONCE(node->pass.last_ns));
	seq_printf(m, "node%d_last_pass_cpu: %d\n", nr, READ_ONCE(node->pass.last_cpu));
}

static void status_show_cpu(struct seq_file *m, int cpu)
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
	seq_printf(m, "hooks: %s\n", state_is_active() ? "active" : "inactive");
	seq_printf(m, "proven: %s\n", proof_is_complete() ? "yes" : "no");
	seq_printf(m, "bypass: %s\n", kern_bypassing() ? "on" : "off");
	status_show_totals(m);
	status_show_params(m);
	/* also while all its CPUs are offline: its counts only grow */
	for (node = 0; node < nr_node_ids; node++)
		if (cpumask_intersects(lb_nodes[node]->cpus, cpu_present_mask))
			status_show_node(m, node);
	for_each_online_cpu(cpu)
		status_show_cpu(m, cpu);
	/* read last, so that it is not before any time above */
	seq_printf(m, "now_ns: %llu\n", ktime_get_mono_fast_ns());
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(status);

static void status_show_task(struct seq_file *m, const char *key, const struct episode_task *t)
{
	seq_printf(m, "%s_pid: %d\n%s_task: ", key, t->pid, key);
	/* a task may give itself any name */
	seq_escape_str(m, t->comm, ESCAPE_SPACE | ESCAPE_SPECIAL | ESCAPE_NP, "");
	seq_putc(m, '\n');
}

static void status_show_episode(struct seq_file *m, const struct episode *e)
{
	int id;

	seq_printf(m, "episode: %llu\n", e->number);
	seq_printf(m, "begin_ns: %llu\n", e->begin_ns);
	seq_printf(m, "begin_real_ns: %llu\n", e->begin_real_ns);
	seq_printf(m, "lasted_ns: %llu\n", e->lasted_ns);
	status_show_task(m, "entered", &e->entered);
	status_show_task(m, "left", &e->left);
	seq_printf(m, "cpus: %u\n", e->nr_cpus);
	seq_printf(m, "queued_max: %u\n", e->queued_max);
	seq_printf(m, "longest_queue: %u\n", e->longest_queue);
	seq_printf(m, "longest_before: %u\n", e->longest_before);
	seq_printf(m, "longest_after: %u\n", e->longest_after);
	seq_printf(m, "longest_wait_ms: %u\n", e->wait_ms);
	for (id = 0; id < NR_NODE_COUNTS; id++)
		seq_printf(m, "%s: %llu\n", count_names[id], e->counts.nr[id]);
}

static int status_history_show(struct seq_file *m, void *unused)
{
	u64 end = episode_totals().episodes;
	u64 i = end > EPISODE_KEPT ? end - EPISODE_KEPT : 0;
	struct episode e;

	while (i++ < end) {
		if (episode_read(i, &e)) {
			status_show_episode(m, &e);
			seq_putc(m, '\n');
		}
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(status_history);

/**
 * status_init() - create the files
 *
 * A kernel without debugfs goes without them.
 *
 * Context: process, may sleep.
 */
void __init status_init(void)
{
	status_dir = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_file("status", 0400, status_dir, NULL, &status_fops);
	debugfs_create_file("history", 0400, status_dir, NULL, &status_history_fops);
}

/**
 * status_exit() - remove them and wait for their readers
 *
 * Context: process, may sleep.
 */
void status_exit(void)
{
	debugfs_remove(status_dir);
}
