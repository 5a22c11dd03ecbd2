// SPDX-License-Identifier: GPL-2.0-only
/*
 * The watch of tests/kmod/scx_bypass_watch.c: there in every case, with the module and
 * without. A CPU that idles while tasks wait on its own queues is a fault of the module,
 * whatever the case is about.
 */
#include <stdio.h>
#include <string.h>

#include "lab.h"

#define WATCH		"scx_bypass_watch"

static bool watching;

void watch_begin(void)
{
	must_load(WATCH, "");
	watching = true;
}

static bool is_set(const char *param)
{
	char buf[8];

	return read_file(param, buf, sizeof(buf)) && *buf == 'Y';
}

/* The case is over. */
void watch_end(void)
{
	char what[128] = "";
	long faults;

	if (!watching)
		return;
	/* give_up() below comes here again */
	watching = false;
	faults = read_long(WATCH_PARAM("faults"));
	info("the watch: looked %ld times, found %ld idle CPUs with own tasks, %ld stalled guards",
	     read_long(WATCH_PARAM("rounds")), read_long(WATCH_PARAM("looks")),
	     read_long(WATCH_PARAM("stalls")));
	/* that it is silent is no result of the case */
	if (is_set(WATCH_PARAM("blind")))
		check(false, "the watch has not found the module's queues");
	if (!read_long(WATCH_PARAM("rounds")))
		check(false, "the watch has not looked");
	if (!faults)
		return;
	read_file(WATCH_PARAM("what"), what, sizeof(what));
	info("the watch: the longest such idle took %ld ms",
	     read_long(WATCH_PARAM("longest_us")) / 1000);
	check(false, "the watch: %ld times a CPU idled with tasks on its own queues; first: %s",
	      faults, strtok(what, "\n"));
}
