// SPDX-License-Identifier: GPL-2.0-only
/*
 * burst: many kernel threads wake at once on one CPU, in bypass, while every CPU has tasks that
 * wait. They may run anywhere, and must not wait for that CPU alone: on the stock kernel all CPUs
 * of its node take them. Without the module first, then with it.
 */
#include "lab.h"

#define THREADS		200
#define MAKE_THREADS	"200"
/* on each CPU */
#define SPINNERS	3
#define SETTLE_MS	200

static bool all_wait(void *unused)
{
	return read_long(TEST_PARAM("burst_waiting")) == THREADS;
}

static bool all_have_run(void *unused)
{
	return read_long(TEST_PARAM("burst_run")) == THREADS;
}

/* How many of the threads were run first by other CPUs than the one where all of them woke? */
static long burst(const char *when)
{
	long elsewhere;

	must_write(TEST_PARAM("burst"), MAKE_THREADS);
	if (!wait_for(all_wait, NULL, 120))
		give_up("%s: the threads do not come to wait", when);
	spread_begin(SPINNERS * GUEST_CPUS);
	hold_bypass(true);
	must_progress(120, "in bypass");
	sleep_ms(SETTLE_MS);

	must_write(TEST_PARAM("burst_wake"), "1");
	check(wait_for(all_have_run, NULL, 120), "%s: each thread has run", when);
	elsewhere = read_long(TEST_PARAM("burst_elsewhere"));
	info("%s: %ld of %d threads were run first by another CPU", when, elsewhere, THREADS);
	spread_end();
	must_write(TEST_PARAM("burst"), "0");
	must_write(TEST_PARAM("burst_wake"), "0");
	return elsewhere;
}

static void case_burst(bool module)
{
	long without, with;

	load_test_module();
	without = burst("without the module");
	/* or there was nothing to compare with */
	check(without > THREADS / 2, "without the module: other CPUs take most of them");

	module_load("");
	with = burst("with it");
	module_unload();
	check(with > without / 2, "with it: other CPUs take as many");
}

CASE(burst) = {
	.shows =
		"many kernel threads wake on one CPU in bypass, beside CPUs that are busy: other CPUs run them, as without the module",
};
