// SPDX-License-Identifier: GPL-2.0-only
/* The module under test, as an administrator sees it. */
#include <stdio.h>
#include <string.h>

#include "lab.h"

/* what the target wants the module to be loaded with, always */
const char *target_params = "";
const char *target_module = "/" MODULE ".ko";
/* and how many times in a row */
int target_reloads = 10;

/* Returns 0 or -errno. */
int load_under_test(const char *params)
{
	char all[256];

	snprintf(all, sizeof(all), "%s %s", target_params, params);
	return load_module(target_module, all);
}

static void read_status(char *buf, size_t size)
{
	if (!read_file(STATUS, buf, size))
		give_up("cannot read " STATUS);
}

static bool status_has(const char *line)
{
	char buf[8192];

	read_status(buf, sizeof(buf));
	return strstr(buf, line);
}

bool hooks_are_active(void *unused)
{
	return status_has("hooks: active\n");
}

bool bypass_is(bool on)
{
	return status_has(on ? "bypass: on\n" : "bypass: off\n");
}

bool backend_is(const char *name)
{
	char line[64];

	snprintf(line, sizeof(line), "backend: %s\n", name);
	return status_has(line);
}

void module_load(const char *params)
{
	int ret = load_under_test(params);

	if (ret)
		give_up("loading the module: %s", strerror(-ret));
	if (!wait_for(hooks_are_active, NULL, 120))
		give_up("the hooks have not become active");
}

void module_unload(void)
{
	must_unload(MODULE);
}

int queue_length(int cpu)
{
	char buf[8192], key[32], *line;
	int nr;

	read_status(buf, sizeof(buf));
	snprintf(key, sizeof(key), "\ncpu %d: ", cpu);
	line = strstr(buf, key);
	if (!line || sscanf(line, "\ncpu %*d: node %*d, queued %d", &nr) != 1)
		give_up("no CPU %d in the status file", cpu);
	return nr;
}

int total_queued(void)
{
	int cpu, sum = 0;

	for (cpu = 0; cpu < nr_cpus; cpu++)
		sum += queue_length(cpu);
	return sum;
}

#define STATUS_NODE \
	"\nnode %*d: delivered %llu, passes %llu, moved %llu, helped %llu, unserved %llu, " \
	"longest lock hold %llu"

struct node_status node_status(int node)
{
	struct node_status s;
	char buf[8192], key[32], *line;

	read_status(buf, sizeof(buf));
	snprintf(key, sizeof(key), "\nnode %d: ", node);
	line = strstr(buf, key);
	if (!line || sscanf(line, STATUS_NODE, &s.delivered, &s.passes, &s.moved, &s.helped,
			    &s.unserved, &s.hold_max_ns) != 6)
		give_up("no node %d in the status file", node);
	return s;
}

void hold_bypass(bool on)
{
	must_write(TEST_PARAM("hold"), on ? "1" : "0");
}

/* The length of each CPU's queue, a blank before each. */
void list_queues(char *line, size_t size)
{
	int cpu, len = 0;

	for (cpu = 0; cpu < nr_cpus; cpu++)
		len += snprintf(line + len, size - len, " %d", queue_length(cpu));
}

void report_queues(const char *when)
{
	char line[128];

	list_queues(line, sizeof(line));
	info("queued per CPU, %s:%s", when, line);
}

void load_test_module(void)
{
	must_load("scx_bypass_test", "");
}
