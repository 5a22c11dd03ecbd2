// SPDX-License-Identifier: GPL-2.0-only
/* The BPF scheduler: its name, state and events from sysfs, its last exit from the log. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "scheduler.h"
#include "text.h"

/* It reads all of the kernel log, which may be long. */
void scheduler_find_exit(struct scheduler *s)
{
	char *log = files_kernel_log(), *rest = log, *line, *at;

	while (log && (line = files_next_line(&rest))) {
		at = strstr(line, "sched_ext: BPF scheduler \"");
		if (at && strstr(at, " disabled ("))
			snprintf(s->exit, sizeof(s->exit), "%s", at + strlen("sched_ext: "));
	}
	text_clean(s->exit);
	free(log);
}

void scheduler_read(struct scheduler *s)
{
	memset(s, 0, sizeof(*s));
	if (!files_word(SCHED_EXT "state", s->state, sizeof(s->state)))
		snprintf(s->state, sizeof(s->state), "unknown");
	files_word(SCHED_EXT "root/ops", s->name, sizeof(s->name));
	s->events = files_read(SCHED_EXT "root/events");
	text_clean(s->state);
	text_clean(s->name);
}

void scheduler_free(struct scheduler *s)
{
	free(s->events);
}
