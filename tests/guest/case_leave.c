// SPDX-License-Identifier: GPL-2.0-only
/*
 * leave: how much sooner a crowded machine has recovered from its scheduler with the
 * module. Stock and module take turns in one guest whose time counts instructions;
 * only their ratios are judged.
 */
#include <stdlib.h>

#include "bench.h"

#define TASKS_PER_CPU	30
#define RUNS		3
/* so many times sooner it must be gone, and the queues even */
#define GONE_GAIN	8
#define EVEN_GAIN	10
/* a turn of the tasks of a CPU, each for a tick, us; and so many turns are allowed */
#define TURN_US		(TASKS_PER_CPU * 4000)
#define TURNS		2

enum { STOCK, WITH_MODULE, NR_VARIANTS };

static int compare(const void *a, const void *b)
{
	unsigned long long x = *(const unsigned long long *)a, y = *(const unsigned long long *)b;

	return (x > y) - (x < y);
}

/* Of a figure of all runs of a variant. */
struct spread {
	unsigned long long median, worst;
};

static struct spread spread(const struct outcome *runs, size_t figure)
{
	unsigned long long all[RUNS];
	int i;

	for (i = 0; i < RUNS; i++)
		all[i] = *(const unsigned long long *)((const char *)&runs[i] + figure);
	qsort(all, RUNS, sizeof(all[0]), compare);
	return (struct spread){ all[RUNS / 2], all[RUNS - 1] };
}

static void compare_figure(struct outcome runs[NR_VARIANTS][RUNS], size_t figure,
			   const char *what, unsigned int gain)
{
	struct spread stock = spread(runs[STOCK], figure);
	struct spread module = spread(runs[WITH_MODULE], figure);

	info("%s: %llu us without the module, %llu with it (medians), %llu at worst", what,
	     stock.median / 1000, module.median / 1000, module.worst / 1000);
	check(module.median * gain <= stock.median, "%s: at most 1/%u of stock's time", what, gain);
}

/*
 * How soon each task has run again is no ratio: the stock kernel is still in bypass then,
 * where its tasks take turns.
 */
static void check_turn(struct outcome runs[NR_VARIANTS][RUNS])
{
	struct spread module = spread(runs[WITH_MODULE], offsetof(struct outcome, ran));

	check(module.worst / 1000 <= TURNS * TURN_US,
	      "each task has run again within %d turns (%llu us at worst)", TURNS,
	      module.worst / 1000);
}

/* A pile in each node: into a node that is empty the fair class pulls, by its own rules. */
static void case_leave(bool module)
{
	const struct bench_load *load = bench_load("piles");
	int run, tasks = TASKS_PER_CPU * nr_cpus;
	struct outcome runs[NR_VARIANTS][RUNS];
	char text[1024];

	probes_attach();
	for (run = 0; run < RUNS; run++) {
		runs[STOCK][run] = bench_run(load, tasks, text, sizeof(text));
		module_load("");
		runs[WITH_MODULE][run] = bench_run(load, tasks, text, sizeof(text));
		module_unload();
	}
	compare_figure(runs, offsetof(struct outcome, reached), "the scheduler is gone",
		       GONE_GAIN);
	compare_figure(runs, offsetof(struct outcome, even), "the queues are even", EVEN_GAIN);
	check_turn(runs);
	compare_figure(runs, offsetof(struct outcome, recovered), "all three", 1);
}

CASE(leave) = {
	.shows =
		"a scheduler is removed from a crowded machine: ratios of how long it takes to recover, with the module and without, in counted instructions",
	.targets = "named",
	.machines = "counted",
};
