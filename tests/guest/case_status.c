// SPDX-License-Identifier: GPL-2.0-only
/* status: the files in debugfs have the documented keys, and tell what has happened. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab.h"

/* docs/ABI/debugfs-scx_bypass_lb */
#define ABI	"/abi"
#define TASKS	240
#define KEPT	16
#define LOG_LINE "bypass lasted"
#define READERS	24
#define PREEMPT	"/sys/kernel/debug/sched/preempt"

/**
 * struct counter - a counter of the status file
 * @key: its key
 * @from: a value it had
 */
struct counter {
	const char *key;
	unsigned long long from;
};

static char abi[1 << 16], text[1 << 16];

/* A key of the files, with N for the number of a node or CPU. Returns what is behind it. */
static const char *take_key(const char *line, char *key, size_t size)
{
	const char *end = strchr(line, ':');
	size_t len = 0;

	while (end && line < end && len + 2 < size) {
		if (isdigit(*line)) {
			key[len++] = 'N';
			line += strspn(line, "0123456789");
		} else {
			key[len++] = *line++;
		}
	}
	key[len] = '\0';
	return end ? end + 1 : NULL;
}

/* The documented keys of a file in their order, each followed by a blank. */
static void documented_keys(const char *file, char *keys, size_t size)
{
	char what[128], *line, *end;

	if (!read_file(ABI, abi, sizeof(abi)))
		give_up("no " ABI);
	snprintf(what, sizeof(what), "What:\t\t%s\n", file);
	line = strstr(abi, what);
	if (!line)
		give_up("%s is not documented", file);
	line += strlen(what);
	end = strstr(line, "What:");
	if (end)
		*end = '\0';
	*keys = '\0';
	for (line = strtok(line, "\n"); line; line = strtok(NULL, "\n")) {
		char *colon = strstr(line, ":\t");

		if (strncmp(line, "\t\t", 2) || !colon || strchr(line, ' ') < colon)
			continue;
		*colon = '\0';
		snprintf(keys + strlen(keys), size - strlen(keys), "%s ", line + 2);
	}
}

/* The keys that a file has, each once. */
static void present_keys(const char *file, char *keys, size_t size)
{
	char *line, key[64], entry[68];

	if (!read_file(file, text, sizeof(text)))
		give_up("cannot read %s", file);
	*keys = '\0';
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		const char *value = take_key(line, key, sizeof(key));

		if (!value || *value != ' ' || !value[1])
			check(false, "%s: '%s' is no line \"key: value\"", file, line);
		snprintf(entry, sizeof(entry), " %s ", key);
		if (strncmp(keys, entry + 1, strlen(entry + 1)) && !strstr(keys, entry))
			snprintf(keys + strlen(keys), size - strlen(keys), "%s", entry + 1);
	}
}

static void check_keys(const char *file)
{
	char documented[2048], present[2048];

	documented_keys(file, documented, sizeof(documented));
	present_keys(file, present, sizeof(present));
	check(*documented && !strcmp(documented, present), "%s has the documented keys", file);
	if (strcmp(documented, present)) {
		info("documented: %.440s", documented);
		info("present:    %.440s", present);
	}
}

static int nr_episodes(void)
{
	int nr = 0;
	char *at;

	if (!read_file(HISTORY, text, sizeof(text)))
		give_up("cannot read " HISTORY);
	for (at = text; (at = strstr(at, "episode: ")); at++)
		nr++;
	return nr;
}

/* What was done to tasks since then, in all nodes. */
static struct node_status work_since(struct node_status before)
{
	struct node_status sum = {};
	int node;

	for (node = 0; node < GUEST_CPUS; node++) {
		struct node_status s;

		if (!node_is_listed(node))
			continue;
		s = node_status(node);
		sum.delivered += s.delivered;
		sum.moved += s.moved;
		sum.passes += s.passes;
	}
	sum.delivered -= before.delivered;
	sum.moved -= before.moved;
	sum.passes -= before.passes;
	return sum;
}

static bool is_between(unsigned long long value, unsigned long long least,
		       unsigned long long most)
{
	return least <= value && value <= most;
}

/* Bypass begins with all tasks on one CPU. */
static void crowded_episode(void)
{
	struct node_status before, within, after;
	unsigned long long since, total;

	must_attach(SCHED_PILE);
	spawn(TASKS, 0, NULL);
	must_progress(120, "under the scheduler");
	clear_kernel_log();
	total = status_number("bypass_total_ns");
	/* in the bypass that loading the scheduler has entered, too, there may have been a pass */
	before = work_since((struct node_status){});
	hold_bypass(true);
	since = status_number("bypass_since_ns");
	check(bypass_is(true) && since && since <= status_number("now_ns"),
	      "bypass is on, and since when");
	check(all_progress(120), "in bypass all tasks run");
	sleep_ms(600);
	within = work_since(before);
	info("%llu delivered, %llu moved in %llu passes", within.delivered, within.moved,
	     within.passes);
	hold_bypass(false);
	check(wait_for(bypass_is_off, NULL, 60), "bypass has ended");

	check(!status_number("bypass_since_ns"), "bypass is off, so it has no beginning");
	check_keys(HISTORY);
	check(history_number("begin_ns") == since, "the record has when it began");
	check(history_number("lasted_ns") > 600000000, "and that it lasted %s ns",
	      history_value("lasted_ns"));
	check(status_number("bypass_total_ns") - total == history_number("lasted_ns"),
	      "which the time in bypass has grown by");
	check(!strcmp(history_value("entered_task"), "init") && history_number("entered_pid") == 1,
	      "this task has entered bypass");
	check(!strcmp(history_value("left_task"), "init") && history_number("left_pid") == 1,
	      "and has left it");
	check(history_number("longest_before") > TASKS * 9 / 10,
	      "before, the longest run queue had %s tasks", history_value("longest_before"));
	check(history_number("longest_after") > 0, "afterwards it had %s",
	      history_value("longest_after"));
	/* a task that is delivered while the queues are counted may be counted twice */
	check(is_between(history_number("queued_max"), TASKS / 2 + 1, 2 * TASKS + 64),
	      "at most %s tasks were queued", history_value("queued_max"));
	check(history_number("longest_queue") >= TASKS / GUEST_CPUS &&
	      history_number("longest_queue") <= history_number("queued_max"),
	      "the longest queue had %s", history_value("longest_queue"));
	check(history_number("longest_wait_ms") > 0, "the longest wait was %s ms",
	      history_value("longest_wait_ms"));
	/* a pass may end just after the record was written */
	after = work_since(before);
	check(history_number("delivered") == after.delivered &&
	      is_between(history_number("passes"), within.passes, after.passes) &&
	      is_between(history_number("moved"), within.moved, after.moved) &&
	      within.delivered + within.moved,
	      "what was done to tasks is in the record: %llu delivered, %llu moved in %llu passes",
	      after.delivered, after.moved, after.passes);
	check(kernel_log_count(LOG_LINE) == 1, "a long episode gives one line in the kernel log");
	kill_tasks();
	sched_must_go();
	check(wait_for(bypass_is_off, NULL, 60), "bypass has ended again");
}

static bool has_grown(void *counter)
{
	const struct counter *c = counter;

	return status_number(c->key) > c->from;
}

/* An option acts, which is counted; and without it no more. */
static void check_counter(const char *key, const char *option)
{
	struct counter c = { key, status_number(key) };

	check(wait_for(has_grown, &c, 120), "%s: %llu and more", key, c.from + 1);
	must_write(option, "N");
	/* what is being queued just now may still be counted */
	sleep_ms(1000);
	c.from = status_number(key);
	sleep_ms(1000);
	check(status_number(key) == c.from, "%s: no more with %s=N", key, strrchr(option, '/') + 1);
	must_write(option, "Y");
}

/* A path is looked up inside an RCU read-side section. */
static void __noreturn look_up(void)
{
	for (;;)
		exists("/sys/kernel/debug/../../../proc/../sys/kernel/debug/../../nothing");
}

static void options(void)
{
	unsigned long long expedited;
	pid_t readers[READERS];
	int i;

	must_attach(SCHED_PILE);
	for (i = 0; i < READERS; i++) {
		readers[i] = start_child("reader");
		if (!readers[i])
			look_up();
	}
	must_write(TEST_PARAM("flutter"), "8");
	hold_bypass(true);
	check_counter("kthreads", PARAM("kthreads_first"));
	/* no task is preempted inside such a section unless the kernel is fully preemptible */
	if (file_has(PREEMPT, "(full)") || exists("/sys/kernel/realtime"))
		check_counter("readers", PARAM("readers_first"));
	else
		info("this kernel is not fully preemptible: there are no readers to be counted");
	hold_bypass(false);

	must_write(TEST_PARAM("flutter"), "0");
	end_children(readers, READERS);

	expedited = status_number("expedited");
	sched_must_go();
	if (read_long(RCU_NORMAL))
		check(status_number("expedited") == expedited, "expedited: never in this kernel");
	else
		check(status_number("expedited") > expedited, "expedited: %llu and more",
		      expedited + 1);
	must_write(PARAM("expedite_rcu"), "N");
	must_attach(SCHED_PILE);
	expedited = status_number("expedited");
	sched_must_go();
	check(status_number("expedited") == expedited, "expedited: no more with expedite_rcu=N");
	must_write(PARAM("expedite_rcu"), "Y");
}

/* Short ones, with next to no tasks. */
static void many_episodes(void)
{
	unsigned long long before = status_number("episodes"), then;
	int i;

	clear_kernel_log();
	for (i = 0; i < KEPT + 4; i++) {
		hold_bypass(true);
		hold_bypass(false);
	}
	then = status_number("episodes");
	check(then == before + KEPT + 4, "%d more episodes were counted", KEPT + 4);
	check(nr_episodes() == KEPT, "the record has the last %d", KEPT);
	check(history_number("queued_max") < TASKS / 2, "the last one has %s tasks",
	      history_value("queued_max"));
	check(!strncmp(text, "episode: ", 9) &&
	      strtoull(text + 9, NULL, 10) == then - KEPT + 1, "the oldest one comes first");
	check(!kernel_log_has(LOG_LINE), "short ones give no line in the kernel log");
}

static bool log_names_version(void)
{
	char version[32], backend[16], line[128];

	if (!read_file(STATUS, text, sizeof(text)) ||
	    sscanf(text, "version: %31s backend: %15s", version, backend) != 2)
		give_up("no version in " STATUS);
	snprintf(line, sizeof(line), "hooks active: version %s, backend %s\n", version, backend);
	return kernel_log_has(line);
}

static void case_status(bool module)
{
	load_test_module();
	clear_kernel_log();
	module_load("");
	check(log_names_version(), "the line '%s' names version and backend", "hooks active");
	check(!nr_episodes() && !status_number("episodes"), "there was no episode yet");
	check_keys(STATUS);
	crowded_episode();
	check_keys(STATUS);
	options();
	many_episodes();
	module_unload();

	/* in bypass since before the hooks */
	hold_bypass(true);
	module_load("");
	check(status_number("bypass_since_ns") > 0, "loaded in bypass: an episode goes on");
	hold_bypass(false);
	check(!history_number("entered_pid") && history_number("left_pid") == 1,
	      "its record does not say which task has entered bypass");
	module_unload();
}

CASE(status) = {
	.shows = "the files in debugfs have the documented keys, and what has happened is in them",
	.machines = "preemptible",
};
