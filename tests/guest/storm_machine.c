// SPDX-License-Identifier: GPL-2.0-only
/* Storms over the whole machine, and over the module itself. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lab.h"
#include "storm.h"

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
 * A CPU goes down and comes up. Not the two that the BPF scheduler piles its
 * tasks up on: nobody else would run them.
 */
static unsigned int hotplug_once(void)
{
	int cpu = random_below(GUEST_CPUS);

	if (cpu % CPUS_PER_NODE == 0 || set_cpu_online(cpu, false))
		return 0;
	usleep(random_below(20000));
	return !set_cpu_online(cpu, true);
}

const struct storm storm_hotplug = {
	.name = "hotplug", .once = hotplug_once, .pause_us = 20000,
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
