// SPDX-License-Identifier: GPL-2.0-only
/* scx-bypass metrics: the text format of Prometheus, names and units by its conventions. */
#include <stddef.h>
#include <stdio.h>

#include "command.h"
#include "state.h"

#define PREFIX	"scx_bypass_lb_"
#define NS	1e9

static void head(const char *name, const char *type, const char *help)
{
	printf("# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", name, help, name, type);
}

static void one(const char *name, const char *type, const char *help, u64 value)
{
	head(name, type, help);
	printf(PREFIX "%s %llu\n", name, value);
}

static void one_time(const char *name, const char *type, const char *help, u64 ns)
{
	head(name, type, help);
	printf(PREFIX "%s %.9f\n", name, ns / NS);
}

static const struct {
	const char *name, *help;
	size_t offset;
} node_counters[] = {
	{ "passes_total", "Balancing passes.", offsetof(struct node_state, passes) },
	{ "tasks_moved_total", "Tasks that passes moved to the queue of another CPU.",
	  offsetof(struct node_state, moved) },
	{ "tasks_delivered_total", "Tasks sent to another CPU when bypass began.",
	  offsetof(struct node_state, delivered) },
	{ "tasks_helped_total", "Tasks that a CPU took from the queue of another CPU.",
	  offsetof(struct node_state, helped) },
	{ "queues_unserved_total", "How often a queue was found that its CPU did not serve.",
	  offsetof(struct node_state, unserved) },
};

/* One of the node's counters. */
static u64 counter(const struct node_state *node, size_t offset)
{
	return *(const u64 *)((const char *)node + offset);
}

static void nodes(const struct state *s)
{
	unsigned int c;
	int i;

	for (c = 0; c < sizeof(node_counters) / sizeof(*node_counters); c++) {
		head(node_counters[c].name, "counter", node_counters[c].help);
		for (i = 0; i < s->nr_nodes; i++)
			printf(PREFIX "%s{node=\"%d\"} %llu\n", node_counters[c].name,
			       s->nodes[i].nr, counter(&s->nodes[i], node_counters[c].offset));
	}
	head("lock_hold_max_seconds", "gauge",
	     "The longest time that a balancing pass held the locks of a CPU.");
	for (i = 0; i < s->nr_nodes; i++)
		printf(PREFIX "lock_hold_max_seconds{node=\"%d\"} %.9f\n", s->nodes[i].nr,
		       s->nodes[i].hold_max_ns / NS);
}

static void cpus(const struct state *s)
{
	int i;

	head("queued_tasks", "gauge", "Tasks on the bypass queue of a CPU.");
	for (i = 0; i < s->nr_cpus; i++)
		printf(PREFIX "queued_tasks{cpu=\"%d\",node=\"%d\"} %u\n", s->cpus[i].nr,
		       s->cpus[i].node, s->cpus[i].queued);
	head("urgent_tasks", "gauge", "Tasks in front of the bypass queue of a CPU.");
	for (i = 0; i < s->nr_cpus; i++)
		printf(PREFIX "urgent_tasks{cpu=\"%d\",node=\"%d\"} %u\n", s->cpus[i].nr,
		       s->cpus[i].node, s->cpus[i].urgent);
}

int verb_metrics(const struct options *o)
{
	struct state s;
	int status = state_read(&s);

	(void)o;
	if (status)
		return status;

	head("info", "gauge", "The version of the module and how it redirects functions.");
	printf(PREFIX "info{version=\"%s\",backend=\"%s\"} 1\n", s.version, s.backend);
	one("hooks_active", "gauge", "Whether the hooks of the module are active.", s.active);
	one("hooks_proven", "gauge",
	    "Whether the kernel was seen to call the hooks as bypass needs it.", s.proven);
	one("bypass", "gauge", "Whether bypass is on.", s.bypass);
	one("bypass_episodes_total", "counter", "Bypass episodes that have ended.", s.episodes);
	one_time("bypass_seconds_total", "counter", "Time in bypass.", s.total_ns);
	one("readers_first_total", "counter",
	    "Tasks queued first because they were inside an RCU read-side section.", s.readers);
	one("kthreads_first_total", "counter", "Kernel threads queued first.", s.kthreads);
	one("expedited_total", "counter", "RCU grace periods that were to be expedited.",
	    s.expedited);
	one_time("interval_seconds", "gauge", "The parameter bypass_lb_intv_us.",
		 s.intv_us * 1000);
	one_time("slice_seconds", "gauge", "The parameter slice_bypass_us.", s.slice_us * 1000);
	nodes(&s);
	cpus(&s);
	state_free(&s);
	return EXIT_FINE;
}
