// SPDX-License-Identifier: GPL-2.0-only
/* bpftrace: contrib/bypass.bt tells of an episode what the module's record has of it. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lab.h"
#include "program.h"

#define COMMAND		"/usr/bin/bpftrace /bypass.bt"
#define TASKS		60
#define NODES		2
/* bpftrace compiles the script, in an emulated machine */
#define PATIENCE	600
/* enough for it to end at the first time */
#define AGAIN_MS	60000
#define PASSES		2
/* until it has set all its probes, and so long for each */
#define EPISODES	30
#define LINE_MS		20000

struct line {
	unsigned long long lasted_us, passes, moved;
	char by[32], left[32];
};

static unsigned long long passes_so_far(void)
{
	return node_status(0).passes;
}

static bool passes_have_come(void *from)
{
	return passes_so_far() >= *(unsigned long long *)from + PASSES;
}

/* Bypass with a crowd on one CPU, for some passes. */
static void crowded_episode(void)
{
	unsigned long long from = passes_so_far();

	hold_bypass(true);
	if (!wait_for(passes_have_come, &from, 120))
		give_up("there are no balancing passes");
	hold_bypass(false);
}

/* The line of the script about the last episode: the record has the same. */
static void compare(struct line *line)
{
	unsigned long long us = history_number("lasted_ns") / 1000;
	unsigned long long passes = history_number("passes");
	unsigned long long moved = history_number("moved") + history_number("delivered");

	check(!strcmp(line->by, "init") && !strcmp(line->left, "init"),
	      "entered by '%s', left by '%s'", line->by, line->left);
	check(line->lasted_us < us * 2 && us < line->lasted_us * 2,
	      "it lasted %llu us, by the record %llu", line->lasted_us, us);
	check(line->passes >= passes && line->passes <= passes + NODES && passes >= PASSES,
	      "%llu passes, by the record %llu and what was delivered", line->passes, passes);
	check(line->moved == moved && moved,
	      "%llu tasks moved or delivered, by the record %llu", line->moved, moved);
}

static struct line read_line(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	struct line line = {};
	char text[256];
	size_t len = 0;

	do {
		if (poll(&poll_fd, 1, PATIENCE * 1000) <= 0 || read(fd, text + len, 1) != 1)
			give_up("bpftrace writes no line");
	} while (text[len] != '\n' && ++len + 1 < sizeof(text));
	text[len] = '\0';
	info("%s", text);
	if (sscanf(text, "%*d:%*d:%*d %llu %31s %31s %llu %llu", &line.lasted_us, line.by,
		   line.left, &line.passes, &line.moved) != 5)
		give_up("this is no line about an episode: '%s'", text);
	return line;
}

/* It sets one probe after the other: until it has, it sees no episode, or no passes. */
static void wait_for_probes(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	int i;

	for (i = 0; i < EPISODES; i++) {
		crowded_episode();
		if (poll(&poll_fd, 1, LINE_MS) > 0 && read_line(fd).passes)
			return;
	}
	give_up("bpftrace sees no passes");
}

static void __noreturn interrupt_again(pid_t pid)
{
	for (;;) {
		sleep_ms(AGAIN_MS);
		kill(pid, SIGINT);
	}
}

static void case_bpftrace(bool module)
{
	struct line line;
	pid_t pid, again;
	int fd;

	load_test_module();
	module_load("");
	must_attach(SCHED_PILE);
	spawn(TASKS, 0, NULL);
	must_progress(120, "under the scheduler");
	crowded_episode();

	fd = program_start(COMMAND, &pid);
	check(program_read_until(fd, "MOVED\n", PATIENCE), "it begins");
	wait_for_probes(fd);
	crowded_episode();
	line = read_line(fd);
	compare(&line);
	check(hooks_are_active(NULL), "the hooks stay active");

	kill(pid, SIGINT);
	/* it does not notice one that comes while it does not wait for events */
	again = start_child("again");
	if (!again)
		interrupt_again(pid);
	check(!program_end(fd, pid), "Ctrl-C ends it");
	end_children(&again, 1);
	check(strstr(program_output, "@lasted_us:") && !strstr(program_output, "@depth"),
	      "with a histogram, and nothing else");
	kill_tasks();
	sched_must_go();
	module_unload();
}

CASE(bpftrace) = {
	.shows = "contrib/bypass.bt reports of an episode what the record has",
	.targets = "named",
	.uses = "bpftrace",
};
