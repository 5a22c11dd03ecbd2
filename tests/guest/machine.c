// SPDX-License-Identifier: GPL-2.0-only
/* The guest's CPUs going down and up, and the machine's suspend as far as it is tested. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lab.h"

#define PM_TEST	"/sys/power/pm_test"

/*
 * Found out once, by init: to read it from sysfs takes a lock of kernfs, and a task that
 * is kept off with it holds up who disables a scheduler.
 */
int nr_cpus;
int cpus_per_node;

/* Returns 0 or -errno. */
int set_cpu_online(int cpu, bool online)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", cpu);
	return write_file(path, online ? "1" : "0");
}

static bool is_present(void *cpu)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", *(int *)cpu);
	return exists(path);
}

static bool is_not_present(void *cpu)
{
	return !is_present(cpu);
}

/* Have the host plug a CPU in or take it out, see tests/lab/booting.py. Returns whether it did. */
bool plug_cpu(int cpu, bool present)
{
	info("host: %s CPU %d", present ? "plug" : "unplug", cpu);
	return wait_for(present ? is_present : is_not_present, &cpu, 120);
}

/* Only a suspend to memory takes the CPUs down; without it none comes back by itself. */
bool pm_test_available(void)
{
	/* how long it stays at the level that is tested */
	return exists(PM_TEST) && !write_file("/sys/power/mem_sleep", "deep") &&
	       !write_file("/sys/module/suspend/parameters/pm_test_delay", "1");
}

/*
 * Suspend as far as @level, one of freezer, devices, platform, processors,
 * core, and come back. Returns 0 or -errno.
 */
int pm_test_suspend(const char *level)
{
	return write_file(PM_TEST, level) ?: write_file("/sys/power/state", "mem");
}
