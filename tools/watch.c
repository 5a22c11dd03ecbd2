// SPDX-License-Identifier: GPL-2.0-only
/* scx-bypass watch: the state, drawn again and again. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "command.h"
#include "page.h"
#include "scheduler.h"
#include "state.h"
#include "terminal.h"
#include "text.h"

/* below the queues: an empty line, the last episode with its heads */
#define FOOT_ROWS	4
#define HEAD_ROWS	5
#define NODE_ROWS	2

static void draw_foot(FILE *f)
{
	struct episode *episodes;
	int nr;

	if (!state_read_history(&episodes, &nr) && nr) {
		fputc('\n', f);
		page_episode_heads(f);
		page_episode(f, &episodes[nr - 1]);
	}
	free(episodes);
}

static void draw_page(FILE *f, const struct state *s, int columns, int rows)
{
	int left = rows - HEAD_ROWS - FOOT_ROWS - NODE_ROWS * s->nr_nodes, i;
	time_t now = time(NULL);
	struct scheduler sched;
	char clock[16];
	struct tm tm;

	strftime(clock, sizeof(clock), "%H:%M:%S", localtime_r(&now, &tm));
	fprintf(f, "%-*s%s\n", columns > 16 ? columns - 8 : 8, "scx-bypass   q: quit", clock);
	scheduler_read(&sched);
	page_head(f, s, &sched);
	scheduler_free(&sched);
	fputc('\n', f);
	for (i = 0; i < s->nr_nodes; i++)
		page_node(f, &s->nodes[i]);
	queues_draw(f, s, columns, left);
	draw_foot(f);
}

/* Returns an enum exit_status. */
static int draw(void)
{
	int columns, rows, status;
	size_t size;
	struct state s;
	char *page;
	FILE *f;

	status = state_read(&s);
	if (status)
		return status;
	terminal_size(&columns, &rows);
	f = open_memstream(&page, &size);
	if (!f) {
		state_free(&s);
		return EXIT_ERROR;
	}
	draw_page(f, &s, columns, rows);
	fclose(f);
	terminal_draw(page);
	free(page);
	state_free(&s);
	return EXIT_FINE;
}

int verb_watch(const struct options *o)
{
	int status;

	status = state_check();
	if (status)
		return status;
	if (!terminal_open()) {
		fputs("watch needs a terminal; \"scx-bypass status\" does not.\n", stderr);
		return EXIT_ERROR;
	}
	do {
		status = draw();
	} while (!status && !terminal_quit(o->interval_ms ? o->interval_ms : 500));
	terminal_close();
	if (status == EXIT_NOT_LOADED)
		fputs("It was unloaded meanwhile.\n", stderr);
	return status;
}
