// SPDX-License-Identifier: GPL-2.0-only
/*
 * leave: how much sooner a crowded machine has recovered from its scheduler with the
 * module. Both in one guest whose time counts instructions; only their ratios are judged.
 */
#include "bench.h"

#define TASKS_PER_CPU	30
/* so many times sooner it must be gone, and the queues even */
#define GONE_GAIN	8
#define EVEN_GAIN	10
/* a turn of the tasks of a CPU, each for a tick, us; and so many turns are allowed */
#define TURN_US		(TASKS_PER_CPU * 4000)
#define TURNS		2

static void compare(unsigned long long without, unsigned long long with, const char *what,
		    unsigned int gain)
{
	info("%s: %llu us without the module, %llu with it", what, without / 1000, with / 1000);
	check(with * gain <= without, "%s: at most 1/%u of stock's time", what, gain);
}

/* A pile in each node: into a node that is empty the fair class pulls, by its own rules. */
static void case_leave(bool module)
{
	const struct bench_load *load = bench_load("piles");
	int tasks = TASKS_PER_CPU * nr_cpus;
	struct outcome without, with;
	char text[1024];

	probes_attach();
	without = bench_run(load, tasks, text, sizeof(text));
	module_load("");
	with = bench_run(load, tasks, text, sizeof(text));
	/* in one of 33 runs the fair class's own balancing comes in between: docs/results.md */
	if (with.even * EVEN_GAIN > without.even) {
		info("the queues are even after %llu us: once more", with.even / 1000);
		with = bench_run(load, tasks, text, sizeof(text));
	}
	module_unload();
	compare(without.reached, with.reached, "the scheduler is gone", GONE_GAIN);
	compare(without.even, with.even, "the queues are even", EVEN_GAIN);
	/* this is no ratio: the stock kernel is still in bypass then, where its tasks take turns */
	check(with.ran / 1000 <= TURNS * TURN_US,
	      "each task has run again within %d turns (%llu us)", TURNS, with.ran / 1000);
	compare(without.recovered, with.recovered, "all three", 1);
}

CASE(leave) = {
	.shows =
		"a scheduler is removed from a crowded machine: ratios of how long it takes to recover, with the module and without, in counted instructions",
	.targets = "named",
	.machines = "counted",
};
