// SPDX-License-Identifier: GPL-2.0-only
/* scx-bypass status */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "files.h"
#include "json.h"
#include "page.h"
#include "scheduler.h"
#include "state.h"
#include "text.h"

/* more CPUs than this get cells instead of bars */
#define ROWS		32

static int show_json(void)
{
	struct scheduler sched;
	char *text;
	int status;

	text = state_read_file("status", &status);
	if (!text)
		return status;
	scheduler_read(&sched);
	scheduler_find_exit(&sched);
	json_status(text, &sched);
	scheduler_free(&sched);
	free(text);
	return EXIT_FINE;
}

static void show_parameters(const struct state *s)
{
	char interval[32], slice[32];

	printf("parameters  interval %s, slice %s",
	       s->intv_us ? text_time(s->intv_us * 1000, interval, sizeof(interval)) : "off",
	       text_time(s->slice_us * 1000, slice, sizeof(slice)));
	fputs(s->readers_first ? ", readers first" : "", stdout);
	fputs(s->kthreads_first ? ", kthreads first" : "", stdout);
	fputs(s->expedite_rcu ? ", RCU expedited\n" : "\n", stdout);
	printf("acted       %llu readers, %llu kthreads queued first, RCU expedited %llu times\n",
	       s->readers, s->kthreads, s->expedited);
}

/* The events that have happened, a line each. */
static void show_events(const struct scheduler *sched)
{
	char *text = sched->events ? strdup(sched->events) : NULL, *rest = text, *line, *value;
	const char *label = "events";

	while (text && (line = files_next_line(&rest))) {
		value = strchr(line, ' ');
		if (!value || !strcmp(value, " 0"))
			continue;
		text_clean(line);
		printf("%-11s %s\n", label, line);
		label = "";
	}
	free(text);
}

static void show_node(const struct state *s, const struct node_state *node)
{
	char hold[32], ago[32];

	page_node(stdout, node);
	printf("        longest lock hold %s, ",
	       text_time(node->hold_max_ns, hold, sizeof(hold)));
	if (node->last_pass_ns && s->now_ns >= node->last_pass_ns)
		printf("last pass %s ago on CPU %lld\n",
		       text_time(s->now_ns - node->last_pass_ns, ago, sizeof(ago)),
		       node->last_pass_cpu);
	else
		puts("no pass yet");
}

int verb_status(const struct options *o)
{
	struct scheduler sched;
	struct state s;
	int status, i;

	if (o->json)
		return show_json();
	status = state_read(&s);
	if (status)
		return status;
	scheduler_read(&sched);
	scheduler_find_exit(&sched);

	page_head(stdout, &s, &sched);
	if (*sched.exit)
		printf("last exit   %s\n", sched.exit);
	show_events(&sched);
	show_parameters(&s);
	putchar('\n');
	for (i = 0; i < s.nr_nodes; i++)
		show_node(&s, &s.nodes[i]);
	putchar('\n');
	if (s.queued)
		queues_draw(stdout, &s, COLUMNS, ROWS);
	else
		printf("All queues of the %d CPUs are empty.\n", s.nr_cpus);

	scheduler_free(&sched);
	state_free(&s);
	return EXIT_FINE;
}
