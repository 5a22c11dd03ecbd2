// SPDX-License-Identifier: GPL-2.0-only
/* Storms over the whole machine, and over the module itself. */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lab.h"
#include "storm.h"

/* for how long a hog spins at most */
#define HOG_US		100000

/* Bypass goes on or off. */
static unsigned int bypass_once(void)
{
	static bool on;

	on = !on;
	return !write_file(TEST_PARAM("hold"), on ? "1" : "0") && on;
}

static void bypass_end(void)
{
	hold_bypass(false);
}

const struct storm storm_bypass = {
	.name = "bypass", .once = bypass_once, .end = bypass_end, .pause_us = 10000,
};

/*
 * A CPU goes down and comes up, the first one of a node as often as all others. CPU 0
 * cannot.
 */
static unsigned int hotplug_once(void)
{
	int cpu = random_below(2) ? CPUS_PER_NODE % GUEST_CPUS : (int)random_below(GUEST_CPUS);

	if (!cpu || set_cpu_online(cpu, false))
		return 0;
	usleep(random_below(20000));
	return !set_cpu_online(cpu, true);
}

const struct storm storm_hotplug = {
	.name = "hotplug", .once = hotplug_once, .pause_us = 20000,
};

/*
 * A real-time task takes a CPU for itself and gives it back: one of the least priority,
 * which RCU's boosted readers and threaded interrupts have as well, or one above most.
 */
static unsigned int hog_once(void)
{
	const struct sched_param prio = { .sched_priority = random_below(2) ? 1 : 50 };
	int cpu = random_below(GUEST_CPUS);
	double end;

	/* on its way to that CPU it wakes up there */
	if (pin_to(cpu, cpu) || sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &prio))
		return 0;
	usleep(1000);
	for (end = now() + random_below(HOG_US) / 1e6; now() < end;)
		;
	return 1;
}

/* The kernel stops them for a part of each second otherwise. */
static bool hogs_begin(void)
{
	hogs_may_run();
	return true;
}

const struct storm storm_hog = {
	.name = "hog", .once = hog_once, .begin = hogs_begin, .pause_us = 50000, .processes = 2,
};

static unsigned int suspend_once(void)
{
	return !pm_test_suspend("processors");
}

static bool suspend_begin(void)
{
	return pm_test_available();
}

const struct storm storm_suspend = {
	.name = "suspend", .once = suspend_once, .begin = suspend_begin, .pause_us = 500000,
};

static unsigned int reload_once(void)
{
	static char params[64];
	int ret;

	snprintf(params, sizeof(params), "bypass_lb_intv_us=%u", 1 + random_below(5000));
	ret = load_under_test(params);
	if (ret) {
		check(false, "insmod under fire: %s", strerror(-ret));
		return 0;
	}
	if (random_below(4))
		wait_for(hooks_are_active, NULL, 60);
	usleep(random_below(100000));
	account_passes();
	ret = unload_module(MODULE);
	if (ret) {
		check(false, "rmmod under fire: %s", strerror(-ret));
		return 0;
	}
	return 1;
}

const struct storm storm_reload = {
	.name = "insmod and rmmod", .once = reload_once, .pause_us = 20000,
};

/* How often tasks are spread changes, and the slice; in between they are not. */
static unsigned int interval_once(void)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", random_below(3) ? 1 + random_below(5000) : 0);
	if (write_file(PARAM("bypass_lb_intv_us"), text))
		return 0;
	snprintf(text, sizeof(text), "%u", 100 + random_below(10000));
	return !write_file(PARAM("slice_bypass_us"), text);
}

const struct storm storm_interval = {
	.name = "parameters", .once = interval_once, .pause_us = 20000,
};
