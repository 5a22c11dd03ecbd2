// SPDX-License-Identifier: GPL-2.0-only
/*
 * race: all that can change a task, at the same time, while bypass goes on and
 *	off every few milliseconds and the balancer runs all the time.
 * fire: some of that, CPUs go down and up, and the module is loaded and unloaded
 *	in the middle of it.
 * soak: all of it and suspend, as long as one likes. But for cookies: while a CPU
 *	comes or goes, a kernel with core scheduling balances its sibling in
 *	balance_scx() without having that one's run queue locked, and soon a run
 *	queue stays locked for ever (seen on 6.18.15, without the module).
 */
#include <stdio.h>

#include "lab.h"
#include "storm.h"

/* on each node */
#define RACE_TASKS	30
#define FIRE_TASKS	10
/* an unload that takes that long, has not ended */
#define SECONDS_PER_LOAD 400

static const struct storm * const race_storms[] = {
	&storm_bypass, &storm_affinity, &storm_policy, &storm_nice, &storm_fork, &storm_wake,
	&storm_ptrace, &storm_cookie, &storm_cgroup, &storm_weight, &storm_cpuset, &storm_hog,
};

/* Fewer, and fewer tasks: a load waits until each of them has had its turn. */
static const struct storm * const fire_storms[] = {
	&storm_bypass, &storm_affinity, &storm_policy, &storm_fork, &storm_wake,
	&storm_hotplug, &storm_hog, &storm_interval, &storm_reload,
};

static const struct storm * const soak_storms[] = {
	&storm_bypass, &storm_affinity, &storm_policy, &storm_nice, &storm_fork, &storm_wake,
	&storm_ptrace, &storm_cgroup, &storm_weight, &storm_cpuset,
	&storm_hotplug, &storm_hog, &storm_suspend, &storm_interval, &storm_reload,
};

/* The last ones of a list are about the module itself: a control has none. */
#define MODULE_STORMS	2

/* what the host asks for */
unsigned int storm_seconds = 30;
unsigned int storm_loads = 3;

static void begin(const struct storm * const *storms, int nr, int tasks_per_node)
{
	load_test_module();
	must_attach(SCHED_PILE);
	spawn(tasks_per_node, 0, NULL);
	spawn(tasks_per_node, 1, NULL);
	must_progress(120, "before the storm");
	must_write(TEST_PARAM("flutter"), "4");
	storms_begin(storms, nr);
}

static void end(bool module)
{
	storms_end();
	must_write(TEST_PARAM("flutter"), "0");
	check(!sched_is_off(NULL), "the scheduler is still there");
	if (module && exists(STATUS))
		account_passes();
	number("passes", storm_totals->passes);
	number("tasks moved", storm_totals->moved);
	number("ms that a sleeping task was woken late at worst",
	       storm_totals->heartbeat_max_us / 1000);
	account_for_all(module);
}

static void case_race(bool module)
{
	if (module)
		module_load("bypass_lb_intv_us=1");
	begin(race_storms, ARRAY_SIZE(race_storms), RACE_TASKS);
	storms_run(storm_seconds);
	end(module);
	if (module)
		check(storm_totals->moved, "the balancer has moved tasks");
}

CASE(race) = {
	.shows =
		"affinity, policy, nice, fork, ptrace, cgroups and more change all the time, bypass goes on and off, the balancer always runs: every task is accounted for",
	.targets = "fire",
	.variants = "control module",
};

/* Without the module: what the storms do to the stock kernel, for as long as one likes. */
static void run_control(const struct storm * const *storms, int nr)
{
	begin(storms, nr - MODULE_STORMS, FIRE_TASKS);
	storms_run(storm_seconds);
	end(false);
}

static void case_fire(bool module)
{
	if (!module) {
		run_control(fire_storms, ARRAY_SIZE(fire_storms));
		return;
	}
	begin(fire_storms, ARRAY_SIZE(fire_storms), FIRE_TASKS);
	storms_until(&storm_reload, storm_loads, storm_loads * SECONDS_PER_LOAD);
	check(storm_count(&storm_reload) >= storm_loads, "loaded and unloaded under fire %lu times",
	      storm_count(&storm_reload));
	end(module);
}

CASE(fire) = {
	.shows =
		"tasks change as in race, while CPUs go down and up and the module is loaded and unloaded",
	.targets = "fire",
};

static void case_soak(bool module)
{
	if (!module) {
		run_control(soak_storms, ARRAY_SIZE(soak_storms));
		return;
	}
	begin(soak_storms, ARRAY_SIZE(soak_storms), FIRE_TASKS);
	storms_run(storm_seconds);
	end(module);
}

CASE(soak) = {
	.shows = "all storms and suspend, for make stress",
	.targets = "command",
};
