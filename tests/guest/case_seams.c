// SPDX-License-Identifier: GPL-2.0-only
/*
 * seams: a scheduler is removed over and over, in every way, from a machine that is
 * almost idle: few tasks, piled up on the last CPU of a node, and pairs of tasks that wake
 * each other all the while. The watch finds a CPU that idles with tasks of its own, and
 * the pairs tell how late a wakeup was. Without the module first.
 *
 * Most of the time that the disabling task takes is spent with bypass on, so
 * scx_fork_rwsem is held as a reader for a while, as a task in the middle of fork() does.
 */
#include <stdlib.h>
#include <string.h>

#include "lab.h"

#define TASKS		16
#define PAIRS		3
#define REMOVALS	12
#define HELD_MS		300
/* how many times as late as without the module a wakeup may be, and a turn more */
#define TIMES		3
#define TURN_MS		20
/* two piles, also where the kernel knows of one node only */
#define PILE_CPUS	(GUEST_CPUS / 2)
/* the driver stays away from the one with the tasks */
#define DRIVER_FIRST	(PILE_CPUS + 1)

static void held(void (*remove)(void))
{
	must_write(TEST_PARAM("hold_fork"), "1");
	remove();
	sleep_ms(HELD_MS);
	must_write(TEST_PARAM("hold_fork"), "0");
}

static void by_sysrq(void)
{
	held(sched_press_sysrq);
}

static void by_error(void)
{
	held(sched_raise_error);
}

static void by_unregister(void)
{
	sched_detach();
}

/* and bypass on and off before that, under the scheduler */
static void by_bypass(void)
{
	hold_bypass(true);
	sleep_ms(HELD_MS);
	hold_bypass(false);
	sched_press_sysrq();
}

static void (* const ways[])(void) = { by_sysrq, by_error, by_unregister, by_bypass };

static int join_first_pile(int index)
{
	return pin_to_range(0, 0, PILE_CPUS);
}

/* Returns the longest round of a pair: the median of all removals. */
static double remove_often(const char *when, int removals)
{
	const struct sched_opts last_cpu = {
		.which = SCHED_PILE,
		.cpus_per_pile = PILE_CPUS,
		.pile_offset = PILE_CPUS - 1,
	};
	double *worst = calloc(removals, sizeof(*worst)), median;
	int i, gone = 0;

	if (!worst)
		give_up("no memory");
	for (i = 0; i < removals; i++) {
		pin_to_range(0, 0, GUEST_CPUS);
		must_attach_with(&last_cpu);
		if (!nr_tasks())
			spawn(TASKS, 0, join_first_pile);
		must_progress(120, "under the scheduler");
		pin_to_range(0, DRIVER_FIRST, GUEST_CPUS - DRIVER_FIRST);
		pairs_reset();
		ways[i % ARRAY_SIZE(ways)]();
		gone += wait_for(sched_is_off, NULL, 60);
		worst[i] = pairs_worst_ms();
		sched_detach();
	}
	check(gone == removals, "%s: %d of %d times the scheduler goes", when, gone, removals);
	check(all_progress(120), "%s: and all tasks run", when);
	sort_figures(worst, removals);
	median = worst[removals / 2];
	info("%s: longest round of a pair: %.1f ms (median), %.1f ms (worst)", when, median,
	     worst[removals - 1]);
	free(worst);
	return median;
}

static void case_seams(bool module)
{
	double without, with;

	load_test_module();
	pairs_begin(PAIRS);
	without = remove_often("without the module", REMOVALS / 2 * test_times);
	module_load("");
	with = remove_often("with it", REMOVALS * test_times);
	check(pairs_rounds(), "the pairs wake each other");
	check(with <= TIMES * without + TURN_MS,
	      "with the module their wakeups are not later than without it");
	pairs_end();
	kill_tasks();
	check(!total_queued(), "the bypass DSQs are empty");
	module_unload();
}

CASE(seams) = {
	.shows =
		"a scheduler is removed again and again from a machine that is almost idle: tasks that wake each other are not woken later than without the module",
};
