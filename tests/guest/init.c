// SPDX-License-Identifier: GPL-2.0-only
/*
 * PID 1 of the guest: runs the case that the kernel command line names. On the host
 * "init --list" lists the cases.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lab.h"

#define for_each_case(c) \
	for (c = __start_test_cases; c < __stop_test_cases; c++)

int test_times = 1;

/* For the host, which compares it with what it has read from the sources. */
static void list_cases(void)
{
	const struct test_case * const *c;

	for_each_case(c) {
		const struct case_facts *f = (*c)->facts;

		printf("%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\n", (*c)->name, f->shows, f->variants ?: "",
		       f->machines ?: "", f->targets ?: "", f->uses ?: "", f->minutes, f->first);
	}
}

static void mount_all(void)
{
	static const char * const mounts[][2] = {
		{ "devtmpfs", "/dev" },
		{ "proc", "/proc" },
		{ "sysfs", "/sys" },
		{ "debugfs", "/sys/kernel/debug" },
		{ "tracefs", "/sys/kernel/tracing" },
		{ "bpf", "/sys/fs/bpf" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mounts); i++) {
		mkdir(mounts[i][1], 0755);
		mount(mounts[i][0], mounts[i][1], mounts[i][0], 0, NULL);
	}
}

static void run_case(const char *name, const char *variant)
{
	const struct sched_param prio = { .sched_priority = 50 };
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	const struct test_case * const *c;

	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	/* outside sched_ext, so that no scheduler can starve the driver */
	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &prio))
		give_up("cannot become SCHED_FIFO");
	for_each_case(c) {
		if (!strcmp((*c)->name, name)) {
			if (!(*c)->facts->unwatched)
				watch_begin();
			(*c)->run(!strcmp(variant, "module"));
			return;
		}
	}
	give_up("no case is called '%s'", name);
}

/* There are none on the kernel command line: commas stand for them. */
static const char *with_blanks(char *params)
{
	char *comma;

	while ((comma = strchr(params, ',')))
		*comma = ' ';
	return params;
}

int main(int argc, char **argv)
{
	static char cmdline[1024];
	char *arg;
	const char *name = "", *variant = "";

	if (argc == 2 && !strcmp(argv[1], "--list")) {
		list_cases();
		return 0;
	}
	mount_all();
	nr_cpus = sysconf(_SC_NPROCESSORS_CONF);
	/* a kernel without CONFIG_NUMA has no directory of nodes */
	cpus_per_node = exists("/sys/devices/system/node/node1") ? GUEST_CPUS / 2 : GUEST_CPUS;
	report_open();
	if (!read_file("/proc/cmdline", cmdline, sizeof(cmdline)))
		give_up("no command line");
	for (arg = strtok(cmdline, " \t\n"); arg; arg = strtok(NULL, " \t\n")) {
		if (!strncmp(arg, "case=", 5))
			name = arg + 5;
		if (!strncmp(arg, "variant=", 8))
			variant = arg + 8;
		if (!strncmp(arg, "params=", 7))
			target_params = with_blanks(arg + 7);
		if (!strncmp(arg, "module=", 7))
			target_module = arg + 7;
		if (!strncmp(arg, "seconds=", 8))
			storm_seconds = atoi(arg + 8);
		if (!strncmp(arg, "times=", 6))
			test_times = atoi(arg + 6);
		if (!strncmp(arg, "loads=", 6))
			storm_loads = atoi(arg + 6);
		if (!strncmp(arg, "workload=", 9))
			bench_workload = arg + 9;
		if (!strncmp(arg, "variants=", 9))
			bench_variants = arg + 9;
		if (!strncmp(arg, "samples=", 8))
			bench_samples = atoi(arg + 8);
		if (!strncmp(arg, "tasks=", 6))
			bench_tasks = atoi(arg + 6);
		if (!strncmp(arg, "runs=", 5))
			bench_runs = atoi(arg + 5);
	}
	run_case(name, variant);
	report_done();
}
