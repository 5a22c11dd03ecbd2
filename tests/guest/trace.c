// SPDX-License-Identifier: GPL-2.0-only
/* What the kernel's own tracing tells. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab.h"

/* Start or stop to record the balancer's passes; starting forgets old ones. */
void trace_passes(bool on)
{
	if (on) {
		/* the clock that now() reads */
		must_write(TRACEFS "trace_clock", "mono");
		must_write(TRACEFS "trace", "\n");
	}
	must_write(TRACEFS "events/sched_ext/sched_ext_bypass_lb/enable", on ? "1" : "0");
}

#define PASS	"sched_ext_bypass_lb: "
#define FIELDS	"node %u: nr_cpus=%u nr_tasks=%u nr_balanced=%u before=%u-%u after=%u-%u"

int read_passes(struct pass_event *e, int max)
{
	static char buf[1 << 18];
	char *line, *next;
	int n = 0;

	if (!read_file(TRACEFS "trace", buf, sizeof(buf)))
		give_up("cannot read the trace");
	for (line = buf; line && *line && n < max; line = next) {
		char *at = strstr(line, PASS);
		char *cpu = strchr(line, '[');

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (*line == '#' || !at || !cpu || at > line + strlen(line))
			continue;
		/* task-pid [cpu] flags time: event: ... */
		if (sscanf(cpu, "[%d] %*s %lf:", &e[n].cpu, &e[n].time) == 2 &&
		    sscanf(at, PASS FIELDS,
			   &e[n].node, &e[n].nr_cpus, &e[n].nr_tasks, &e[n].nr_balanced,
			   &e[n].before_min, &e[n].before_max,
			   &e[n].after_min, &e[n].after_max) == 8)
			n++;
	}
	return n;
}

/* Have the kernel's functions counted: lines "p:NAME FUNCTION", or none. */
void set_probes(const char *definitions)
{
	/* fails when there are none yet */
	write_file(TRACEFS "events/kprobes/enable", "0");
	must_write(TRACEFS "kprobe_events", "\n");
	if (!*definitions)
		return;
	must_write(TRACEFS "kprobe_events", definitions);
	must_write(TRACEFS "events/kprobes/enable", "1");
}

/* How often has the probe been hit since? */
unsigned long probe_hits(const char *name)
{
	char buf[1024], *line, *save = NULL;

	if (!read_file(TRACEFS "kprobe_profile", buf, sizeof(buf)))
		give_up("no counts of the probes");
	for (line = strtok_r(buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		unsigned long hits;
		char of[64];

		if (sscanf(line, "%63s %lu", of, &hits) == 2 && !strcmp(of, name))
			return hits;
	}
	give_up("no count of the probe %s", name);
}
