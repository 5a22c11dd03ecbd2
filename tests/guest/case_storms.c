// SPDX-License-Identifier: GPL-2.0-only
/*
 * race: all that can change a task, at the same time, while bypass goes on and
 *	off every few milliseconds and the balancer runs all the time.
 * fire: the same, CPUs go down and up, and the module is loaded and unloaded
 *	in the middle of it.
 * soak: all of it and suspend, as long as one likes.
 */
#include <stdio.h>

#include "lab.h"
#include "storm.h"

#define TASKS_PER_NODE	30
/* an unload that takes that long, has not ended */
#define SECONDS_PER_LOAD 60

/* race has the first ones, fire some more, soak all */
static const struct storm * const storms[] = {
	&storm_bypass, &storm_affinity, &storm_policy, &storm_nice, &storm_fork, &storm_wake,
	&storm_ptrace, &storm_cookie, &storm_cgroup, &storm_weight, &storm_cpuset,
	&storm_hotplug, &storm_interval, &storm_reload,
	&storm_suspend,
};

#define NR_RACE	11
#define NR_FIRE	14
#define NR_SOAK	ARRAY_SIZE(storms)

/* what the host asks for */
unsigned int storm_seconds = 30;
unsigned int storm_loads = 10;

static void begin(int nr)
{
	load_test_module();
	must_attach(SCHED_PILE);
	spawn(TASKS_PER_NODE, 0, NULL);
	spawn(TASKS_PER_NODE, 1, NULL);
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

void case_race(bool module)
{
	if (module)
		module_load("bypass_lb_intv_us=1");
	begin(NR_RACE);
	storms_run(storm_seconds);
	end(module);
	if (module)
		check(storm_totals->moved, "the balancer has moved tasks");
}

void case_fire(bool module)
{
	begin(NR_FIRE);
	storms_until(&storm_reload, storm_loads, storm_loads * SECONDS_PER_LOAD);
	check(storm_count(&storm_reload) >= storm_loads, "loaded and unloaded under fire %lu times",
	      storm_count(&storm_reload));
	end(module);
	check(storm_totals->moved, "the balancer has moved tasks");
}

void case_soak(bool module)
{
	begin(NR_SOAK);
	storms_run(storm_seconds);
	end(module);
}
