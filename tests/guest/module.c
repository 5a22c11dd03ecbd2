// SPDX-License-Identifier: GPL-2.0-only
/* The module under test, as an administrator sees it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab.h"

/* what the target wants the module to be loaded with, always */
const char *target_params = "";
const char *target_module = "/" MODULE ".ko";

/* Returns 0 or -errno. */
int load_under_test(const char *params)
{
	char all[256];

	snprintf(all, sizeof(all), "%s %s", target_params, params);
	return load_module(target_module, all);
}

/* Some kernels do not let the module use ftrace or livepatch for all hooks. */
bool backend_would_load(const char *name)
{
	char params[64];

	snprintf(params, sizeof(params), "backend=%s check=1", name);
	return load_under_test(params) == -ECANCELED;
}

static char *status_text(void)
{
	static char buf[1 << 16];

	if (!read_file(STATUS, buf, sizeof(buf)))
		give_up("cannot read " STATUS);
	return buf;
}

static bool status_has(const char *line)
{
	return strstr(status_text(), line);
}

bool hooks_are_active(void *unused)
{
	return status_has("hooks: active\n");
}

bool hooks_are_proven(void *unused)
{
	return status_has("proven: yes\n");
}

/* Does ftrace list one of the functions that the module hooks? Nothing else may trace them. */
bool kernel_is_hooked(void)
{
	static const char * const functions[] = {
		"_bypass (", "dispatch_enqueue (", "consume_dispatch_q (", "synchronize_rcu ("
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(functions); i++)
		if (file_has(TRACEFS "enabled_functions", functions[i]))
			return true;
	return false;
}

bool bypass_is(bool on)
{
	return status_has(on ? "bypass: on\n" : "bypass: off\n");
}

/* For wait_for(). */
bool bypass_is_on(void *unused)
{
	return bypass_is(true);
}

bool bypass_is_off(void *unused)
{
	return bypass_is(false);
}

bool backend_is(const char *name)
{
	char line[64];

	snprintf(line, sizeof(line), "backend: %s\n", name);
	return status_has(line);
}

/* Livepatch is not done when insmod is. */
void hooks_must_become_active(void)
{
	if (!wait_for(hooks_are_active, NULL, 120))
		give_up("the hooks have not become active");
}

void module_load(const char *params)
{
	int ret = load_under_test(params);

	if (ret)
		give_up("loading the module: %s", strerror(-ret));
	hooks_must_become_active();
}

void module_unload(void)
{
	must_unload(MODULE);
}

/* The value of a key in the status file. */
unsigned long long status_number(const char *key)
{
	char *buf = status_text(), line[64], *at;

	snprintf(line, sizeof(line), "\n%s: ", key);
	at = strstr(buf, line);
	if (!at)
		give_up("no %s in the status file", key);
	return strtoull(at + strlen(line), NULL, 10);
}

/* The value of a key in the last episode of the record. The next call overwrites it. */
const char *history_value(const char *key)
{
	static char text[1 << 16], value[64];
	char line[64], *at, *found = NULL;

	if (!read_file(HISTORY, text, sizeof(text)))
		give_up("cannot read " HISTORY);
	snprintf(line, sizeof(line), "\n%s: ", key);
	for (at = text; (at = strstr(at, line)); at++)
		found = at + strlen(line);
	if (!found)
		give_up("no %s in the record", key);
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(found, "\n"), found);
	return value;
}

unsigned long long history_number(const char *key)
{
	return strtoull(history_value(key), NULL, 10);
}

static int cpu_number(int cpu, const char *key)
{
	char name[32];

	snprintf(name, sizeof(name), "cpu%d_%s", cpu, key);
	return status_number(name);
}

/* Tasks that wait for a CPU and are not urgent. */
int balanced_length(int cpu)
{
	return cpu_number(cpu, "queued");
}

int queue_length(int cpu)
{
	return balanced_length(cpu) + cpu_number(cpu, "urgent");
}

int total_queued(void)
{
	int cpu, sum = 0;

	for (cpu = 0; cpu < nr_cpus; cpu++)
		sum += queue_length(cpu);
	return sum;
}

static bool holds_more(void *nr)
{
	return total_queued() > *(int *)nr;
}

/*
 * Are more than @nr tasks on bypass DSQs, soon? In the first bypass the kernel's own DSQ
 * gets tasks until the hooks are proven.
 */
bool queues_hold(int nr)
{
	return wait_for(holds_more, &nr, 60);
}

static unsigned long long node_number(int node, const char *what)
{
	char key[32];

	snprintf(key, sizeof(key), "node%d_%s", node, what);
	return status_number(key);
}

bool node_is_listed(int node)
{
	char line[32];

	snprintf(line, sizeof(line), "\nnode%d_passes: ", node);
	return file_has(STATUS, line);
}

struct node_status node_status(int node)
{
	return (struct node_status){
		.delivered = node_number(node, "delivered"),
		.helped = node_number(node, "helped"),
		.unserved = node_number(node, "unserved"),
		.passes = node_number(node, "passes"),
		.moved = node_number(node, "moved"),
		.hold_max_ns = node_number(node, "hold_max_ns"),
	};
}

/* For wait_for(): has node 0 had as many passes? */
bool passes_reached(void *count)
{
	return node_status(0).passes >= *(unsigned long long *)count;
}

/* For wait_for(): has node 0 had more passes, have more of its tasks been moved? */
bool more_passes(void *before)
{
	return node_status(0).passes > *(unsigned long long *)before;
}

bool has_moved(void *before)
{
	return node_status(0).moved > *(unsigned long long *)before;
}

void hold_bypass(bool on)
{
	must_write(TEST_PARAM("hold"), on ? "1" : "0");
}

/* Do all tasks run in bypass, within @seconds of the guest, and after it? */
void check_bypass(const char *when, unsigned int seconds)
{
	hold_bypass(true);
	check(all_progress(seconds), "%s: all tasks run in bypass", when);
	hold_bypass(false);
	check(all_progress(120), "%s: and after it", when);
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
