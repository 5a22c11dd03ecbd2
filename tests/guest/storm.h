/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Storms: processes that each do one kind of thing to tasks or to the machine,
 * over and over at random, until they are told to stop.
 */
#ifndef STORM_H
#define STORM_H

#include <stdbool.h>
#include <sys/types.h>

/**
 * struct storm - one kind of disturbance
 * @name: what is counted
 * @once: do it once; returns how many of it were done, 0 if it failed
 * @begin: called once before, in the storm's own process; false if this kernel
 *	cannot do it
 * @end: called in that process when it is told to stop
 * @pause_us: longest pause between two
 * @processes: how many do it at the same time, 0 for one
 */
struct storm {
	const char *name;
	unsigned int (*once)(void);
	bool (*begin)(void);
	void (*end)(void);
	unsigned int pause_us;
	unsigned int processes;
};

/* storm_tasks.c: what happens to tasks */
extern const struct storm storm_affinity, storm_policy, storm_nice, storm_fork, storm_wake,
	storm_ptrace, storm_cookie, storm_cgroup, storm_weight, storm_cpuset;

/* storm_machine.c: what happens to the machine */
extern const struct storm storm_bypass, storm_hotplug, storm_hog, storm_suspend, storm_reload,
	storm_interval;

/* storm.c */
#define MAX_STORMS	16

/* of all storms since they were begun; kept in memory that they share */
struct storm_totals {
	unsigned long passes, moved;	/* of the module, over its reloads */
	unsigned long heartbeat_max_us;
};

extern struct storm_totals *storm_totals;

void storms_begin(const struct storm * const *storms, int nr);
void storms_run(unsigned int seconds);
void storms_until(const struct storm *storm, unsigned long count, unsigned int seconds);
void storms_end(void);
unsigned long storm_count(const struct storm *storm);
unsigned int random_below(unsigned int limit);
bool storm_stopped(void);
void account_passes(void);

#endif /* STORM_H */
