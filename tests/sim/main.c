// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the balancer's work grows with the machine: passes until a node is
 * balanced, and entries looked at, for up to 4096 CPUs and a million tasks.
 *
 * Fails if the work grows faster than the queues.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sim.h"

#define INTV_US		500000
#define SLICE_US	5000
#define MAX_PASSES	20
/* entries looked at for each task that waits, in all passes, at most */
#define MAX_LOOKED	4

static const int cpus[] = { 192, 512, 1024, 4096 };
static const int tasks[] = { 20000, 100000, 1000000 };

enum shape { ALL_ON_ONE, TWO_HALVES, SMALL_SETS, ONE_SET, NR_SHAPES };
static const char * const shapes[] = {
	[ALL_ON_ONE] = "all on one CPU",
	[TWO_HALVES] = "on half of the CPUs",
	[SMALL_SETS] = "in sets of 8 CPUs, each on its first",
	[ONE_SET] = "in one set of 8 CPUs, on its first",
};

#define SET	8

static void fill(struct sim *sim, enum shape shape, int nr_cpus, int nr_tasks)
{
	int i, first;

	for (i = 0; i < nr_tasks; i++) {
		switch (shape) {
		case SMALL_SETS:
			first = i % (nr_cpus / SET) * SET;
			sim_add(sim, first, first, first + SET - 1);
			break;
		case ONE_SET:
			sim_add(sim, 0, 0, SET - 1);
			break;
		case TWO_HALVES:
			sim_add(sim, i % (nr_cpus / 2), 0, nr_cpus - 1);
			break;
		default:
			sim_add(sim, 0, 0, nr_cpus - 1);
		}
	}
}

/* As a pass would leave it: no donor while there is a donee. */
static bool is_balanced(const struct plan_load *load)
{
	struct plan_goal goal = plan_make(load, INTV_US, SLICE_US);

	return !plan_is_donor(&goal, load->max) || !plan_is_donee(&goal, load->min, load->max);
}

static bool simulate(enum shape shape, int nr_cpus, int nr_tasks)
{
	struct sim *sim = sim_new(nr_cpus, nr_tasks);
	/* the other CPUs may run none of the tasks */
	int nr_used = shape == ONE_SET ? SET : nr_cpus;
	struct plan_load load;
	u64 looked = 0, moved = 0, holds = 0;
	int passes = 0;
	bool ok;

	if (!sim) {
		fputs("no memory\n", stderr);
		exit(1);
	}
	fill(sim, shape, nr_cpus, nr_tasks);
	for (load = sim_load(sim, nr_used); !is_balanced(&load) && passes < MAX_PASSES; passes++) {
		struct sim_pass pass = sim_pass(sim, INTV_US, SLICE_US);

		looked += pass.looked;
		moved += pass.moved;
		holds += pass.holds;
		load = sim_load(sim, nr_used);
		sim_run(sim, INTV_US / SLICE_US);
	}
	ok = is_balanced(&load) && looked <= (u64)MAX_LOOKED * nr_tasks;
	printf("%-38s %5d %8d %7d %8llu %8llu %6.2f %6llu %6u %6u%s\n", shapes[shape], nr_cpus,
	       nr_tasks, passes, (unsigned long long)looked, (unsigned long long)moved,
	       (double)looked / nr_tasks, (unsigned long long)holds, load.min, load.max,
	       ok ? "" : "  NOT AS IT MUST BE");
	sim_free(sim);
	return ok;
}

int main(void)
{
	bool ok = true;
	int shape;
	size_t c, t;

	printf("%-38s %5s %8s %7s %8s %8s %6s %6s %6s %6s\n", "tasks are", "CPUs", "tasks",
	       "passes", "looked", "moved", "/task", "holds", "min", "max");
	for (shape = 0; shape < NR_SHAPES; shape++)
		for (c = 0; c < sizeof(cpus) / sizeof(*cpus); c++)
			for (t = 0; t < sizeof(tasks) / sizeof(*tasks); t++)
				ok &= simulate(shape, cpus[c], tasks[t]);
	return !ok;
}
