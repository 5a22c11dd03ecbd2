// SPDX-License-Identifier: GPL-2.0-only
/* Lines that status, watch and history show, each at most 80 columns if numbers allow it. */
#include <time.h>

#include "page.h"
#include "text.h"

void page_head(FILE *f, const struct state *s, const struct scheduler *sched)
{
	char since[32], total[32];

	fprintf(f, "module      scx_bypass_lb %s, backend %s, hooks %s%s\n", s->version,
		s->backend, s->active ? "active" : "INACTIVE",
		s->active && !s->proven ? ", proven: no" : "");
	fprintf(f, "scheduler   %.50s (%s)\n", *sched->name ? sched->name : "none", sched->state);
	text_time(s->total_ns, total, sizeof(total));
	if (s->bypass && s->since_ns)
		fprintf(f, "bypass      ON for %s, %u tasks queued; episodes before: %llu\n",
			text_time(s->now_ns - s->since_ns, since, sizeof(since)), s->queued,
			s->episodes);
	else
		fprintf(f, "bypass      %s; episodes: %llu, %s in all\n", s->bypass ? "ON" : "off",
			s->episodes, total);
}

void page_node(FILE *f, const struct node_state *node)
{
	fprintf(f, "node %-3d%u queued on %u CPUs", node->nr, node->queued, node->nr_cpus);
	if (node->queued)
		fprintf(f, ", longest %u (CPU %d)", node->longest, node->longest_cpu);
	fprintf(f, "\n        %llu delivered, %llu moved in %llu passes, ", node->delivered,
		node->moved, node->passes);
	fprintf(f, "%llu helped, %llu unserved\n", node->helped, node->unserved);
}

void page_episode_heads(FILE *f)
{
	fputs(" nr  began           lasted queued longest before  after deliv. moved     wait\n",
	      f);
}

/* One line, and one for the tasks. */
void page_episode(FILE *f, const struct episode *e)
{
	time_t began = e->begin_real_ns / 1000000000ULL;
	char date[32], lasted[32], wait[32];
	struct tm tm;

	strftime(date, sizeof(date), "%m-%d %H:%M:%S", localtime_r(&began, &tm));
	fprintf(f, "%3llu  %s %7s %6llu %7llu %6llu %6llu %6llu %5llu %8s\n", e->number, date,
		text_time(e->lasted_ns, lasted, sizeof(lasted)), e->queued_max,
		e->longest_queue, e->longest_before, e->longest_after, e->delivered, e->moved,
		text_time(e->longest_wait_ms * 1000000, wait, sizeof(wait)));
	fprintf(f, "     entered by %.24s[%llu], left by %.24s[%llu]\n", e->entered_task,
		e->entered_pid, e->left_task, e->left_pid);
}
