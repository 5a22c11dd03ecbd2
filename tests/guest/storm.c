// SPDX-License-Identifier: GPL-2.0-only
/* Run storms next to each other, count what they do, and stop them. */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab.h"
#include "storm.h"

/* above what they disturb, below the driver */
#define STORM_PRIO	10
#define MAX_PROCESSES	48
/* a storm that has not ended so long after it was told to is stuck */
#define END_SECONDS	300
#define HEARTBEAT_US	10000

/* Without bypass a kernel may wait for ever in taking a CPU down, so the bypass storm ends last. */
enum { GO_ON, END_OTHERS, END_ALL };

static struct shared {
	int stop;
	struct storm_totals totals;
	unsigned long counts[MAX_STORMS];
	bool unable[MAX_STORMS];
} *shared;

static const struct storm *running[MAX_STORMS];
static int nr_running;
static pid_t pids[MAX_PROCESSES];
static const char *names[MAX_PROCESSES];
static int nr_pids;

struct storm_totals *storm_totals;

/* of this process; NULL for the heartbeat */
static const struct storm *mine;

/* From 0 to @limit - 1. */
unsigned int random_below(unsigned int limit)
{
	return limit ? random() % limit : 0;
}

bool storm_stopped(void)
{
	int stop = __atomic_load_n(&shared->stop, __ATOMIC_RELAXED);

	return stop >= (mine == &storm_bypass ? END_ALL : END_OTHERS);
}

unsigned long storm_count(const struct storm *storm)
{
	int i;

	for (i = 0; i < nr_running; i++)
		if (running[i] == storm)
			return __atomic_load_n(&shared->counts[i], __ATOMIC_RELAXED);
	return 0;
}

static void __noreturn blow(int index, int process)
{
	const struct sched_param prio = { .sched_priority = STORM_PRIO };
	const struct storm *storm = running[index];

	mine = storm;
	srandom(index * 100 + process + 1);
	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &prio))
		_exit(1);

	if (storm->begin && !storm->begin()) {
		shared->unable[index] = true;
		_exit(0);
	}
	while (!storm_stopped()) {
		__atomic_fetch_add(&shared->counts[index], storm->once(), __ATOMIC_RELAXED);
		usleep(random_below(storm->pause_us));
	}
	if (storm->end)
		storm->end();
	_exit(0);
}

/* A task like any other, which tells how late it is woken at worst. */
static void __noreturn heartbeat(void)
{
	set_priority(0, 0);
	while (!storm_stopped()) {
		double begin = now();
		unsigned long late;

		usleep(HEARTBEAT_US);
		late = (now() - begin) * 1e6 - HEARTBEAT_US;
		if (late > storm_totals->heartbeat_max_us)
			storm_totals->heartbeat_max_us = late;
	}
	_exit(0);
}

static pid_t start(const char *name)
{
	if (nr_pids == MAX_PROCESSES)
		give_up("too many storms");
	names[nr_pids] = name;
	pids[nr_pids] = start_child(name);
	return pids[nr_pids++];
}

/* They work on the tasks that have been spawned before. */
void storms_begin(const struct storm * const *storms, int nr)
{
	int i;
	unsigned int process;

	if (nr > MAX_STORMS)
		give_up("too many storms");
	if (!shared) {
		shared = map_shared(sizeof(*shared));
		storm_totals = &shared->totals;
	}
	memset(shared, 0, sizeof(*shared));
	nr_running = nr;
	nr_pids = 0;
	memcpy(running, storms, nr * sizeof(*storms));
	if (!start("heartbeat"))
		heartbeat();
	for (i = 0; i < nr; i++)
		for (process = 0; process < (storms[i]->processes ?: 1); process++)
			if (!start(storms[i]->name))
				blow(i, process);
}

static bool each_was_done(void *unused)
{
	int i;

	for (i = 0; i < nr_running; i++)
		if (!shared->unable[i] && !shared->counts[i])
			return false;
	return true;
}

/* Let them blow; where the host is slow, until each has been done. */
void storms_run(unsigned int seconds)
{
	storms_until(NULL, 0, seconds);
	wait_for(each_was_done, NULL, END_SECONDS);
}

/* The same, until one of them has come to @count. */
void storms_until(const struct storm *storm, unsigned long count, unsigned int seconds)
{
	double end = now() + seconds, next = now() + 30;

	while (now() < end && !(storm && storm_count(storm) >= count)) {
		sleep_ms(100);
		if (now() > next) {
			next = now() + 30;
			info("%.0f s left, %lu passes, heartbeat %lu ms late at worst",
			     end - now(), storm_totals->passes,
			     storm_totals->heartbeat_max_us / 1000);
		}
	}
}

static bool has_ended(void *pid)
{
	return waitpid(*(pid_t *)pid, NULL, WNOHANG) != 0;
}

/* The storm of bypass, or all others. */
static void end_those(bool bypass)
{
	int i;

	__atomic_store_n(&shared->stop, bypass ? END_ALL : END_OTHERS, __ATOMIC_RELAXED);
	for (i = 0; i < nr_pids; i++) {
		if (bypass != !strcmp(names[i], storm_bypass.name) ||
		    wait_for(has_ended, &pids[i], END_SECONDS))
			continue;
		tell_task(pids[i]);
		give_up("storm %s does not end", names[i]);
	}
}

void storms_end(void)
{
	int i;

	end_those(false);
	end_those(true);
	for (i = 0; i < nr_running; i++) {
		if (shared->unable[i])
			skip(running[i]->name, "not on this kernel");
		else
			check(shared->counts[i], "%s was done", running[i]->name);
		number(running[i]->name, shared->counts[i]);
	}
}

/* Before it is unloaded, and at the end: its figures go with it. */
void account_passes(void)
{
	int node;

	for (node = 0; node < GUEST_CPUS / CPUS_PER_NODE; node++) {
		struct node_status s = node_status(node);

		__atomic_fetch_add(&storm_totals->passes, s.passes, __ATOMIC_RELAXED);
		__atomic_fetch_add(&storm_totals->moved, s.delivered + s.moved, __ATOMIC_RELAXED);
	}
}
