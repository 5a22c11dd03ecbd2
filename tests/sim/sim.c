// SPDX-License-Identifier: GPL-2.0-only
/*
 * A node's bypass DSQs and its balancer, simulated: the plan is the module's
 * own (src/balance/plan.h), the moves are as src/balance/bypass_lb.c makes them. Nothing happens
 * at the same time, and no CPU goes down.
 */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define BITS	64

struct sim {
	int nr_cpus, nr_tasks;
	int last_donee;		/* as cpumask_any_and_distribute() remembers it */
	struct sim_queue *queues;
	struct sim_task *tasks;
	u64 *donees;
	u32 nr_donees;
};

/* Returns NULL if there is no memory. */
struct sim *sim_new(int nr_cpus, int max_tasks)
{
	struct sim *sim = calloc(1, sizeof(*sim));
	int cpu;

	if (!sim)
		return NULL;
	sim->nr_cpus = nr_cpus;
	sim->queues = calloc(nr_cpus, sizeof(*sim->queues));
	sim->tasks = calloc(max_tasks, sizeof(*sim->tasks));
	sim->donees = calloc(nr_cpus / BITS + 1, sizeof(*sim->donees));
	if (!sim->queues || !sim->tasks || !sim->donees) {
		sim_free(sim);
		return NULL;
	}
	for (cpu = 0; cpu < nr_cpus; cpu++)
		sim->queues[cpu].head = -1;
	return sim;
}

void sim_free(struct sim *sim)
{
	free(sim->queues);
	free(sim->tasks);
	free(sim->donees);
	free(sim);
}

static void append(struct sim *sim, int cpu, int task)
{
	struct sim_queue *q = &sim->queues[cpu];

	sim->tasks[task].next = -1;
	if (q->head < 0)
		q->head = task;
	else
		sim->tasks[q->tail].next = task;
	q->tail = task;
	q->nr++;
}

/* Take the task behind @prev off @cpu's queue, or the first one if that is -1. */
static int take_behind(struct sim *sim, int cpu, int prev)
{
	struct sim_queue *q = &sim->queues[cpu];
	int task = prev < 0 ? q->head : sim->tasks[prev].next;

	if (prev < 0)
		q->head = sim->tasks[task].next;
	else
		sim->tasks[prev].next = sim->tasks[task].next;
	if (q->tail == task)
		q->tail = prev;
	q->nr--;
	return task;
}

/* Add a task that waits on its CPU and may run on CPUs @first to @last. */
void sim_add(struct sim *sim, int cpu, int first, int last)
{
	int task = sim->nr_tasks++;

	sim->tasks[task] = (struct sim_task){ .cpu = cpu, .first = first, .last = last };
	append(sim, cpu, task);
}

/* Each CPU runs so many tasks for a slice each. */
void sim_run(struct sim *sim, u32 picks)
{
	int cpu, task;
	u32 i;

	for (cpu = 0; cpu < sim->nr_cpus; cpu++) {
		for (i = 0; i < picks && sim->queues[cpu].nr; i++) {
			task = take_behind(sim, cpu, -1);
			sim->tasks[task].cpu = cpu;
			append(sim, cpu, task);
		}
	}
}

/* Of the first @nr_cpus CPUs. */
struct plan_load sim_load(const struct sim *sim, int nr_cpus)
{
	struct plan_load load = {};
	int cpu;

	for (cpu = 0; cpu < nr_cpus; cpu++)
		plan_add(&load, sim->queues[cpu].nr);
	return load;
}

static void mark_donee(struct sim *sim, int cpu, bool is)
{
	u64 bit = 1ull << (cpu % BITS);

	if (is) {
		sim->donees[cpu / BITS] |= bit;
		sim->nr_donees++;
	} else if (sim->donees[cpu / BITS] & bit) {
		sim->donees[cpu / BITS] &= ~bit;
		sim->nr_donees--;
	}
}

/* The first donee from @first to @last, or -1. */
static int next_donee(const struct sim *sim, int first, int last)
{
	while (first <= last) {
		u64 word = sim->donees[first / BITS] >> (first % BITS);

		if (word) {
			first += __builtin_ctzll(word);
			return first <= last ? first : -1;
		}
		first = (first / BITS + 1) * BITS;
	}
	return -1;
}

static int find_donee(struct sim *sim, const struct sim_task *p, int donor)
{
	int donee = -1;

	if (p->cpu != donor)
		return -1;
	if (sim->last_donee >= p->first)
		donee = next_donee(sim, sim->last_donee + 1, p->last);
	if (donee < 0)
		donee = next_donee(sim, p->first, p->last);
	if (donee >= 0)
		sim->last_donee = donee;
	return donee;
}

/* The same, but one that wants a task of a queue of @nr. */
static int find_wanting(struct sim *sim, const struct sim_task *p, int donor,
			const struct plan_goal *goal, u32 nr)
{
	int donee;

	while ((donee = find_donee(sim, p, donor)) >= 0 &&
	       !plan_is_donee(goal, sim->queues[donee].nr, nr))
		mark_donee(sim, donee, false);
	return donee;
}

static void relieve(struct sim *sim, int donor, const struct plan_goal *goal,
		    struct sim_pass *pass)
{
	struct sim_queue *q = &sim->queues[donor];
	int prev = -1, next = q->head;
	u64 entries = 0;

	while (!plan_is_relieved(goal, q->nr) && sim->nr_donees && next >= 0) {
		int donee = find_wanting(sim, &sim->tasks[next], donor, goal, q->nr);

		entries++;
		if (donee < 0) {
			prev = next;
		} else {
			append(sim, donee, take_behind(sim, donor, prev));
			sim->queues[donee].received = true;
			pass->moved++;
		}
		next = prev < 0 ? q->head : sim->tasks[prev].next;
	}
	pass->looked += entries;
	pass->holds += entries / PLAN_BATCH + 1;
}

static void find_donees(struct sim *sim, const struct plan_goal *goal, u32 donor_nr)
{
	int cpu;

	memset(sim->donees, 0, (sim->nr_cpus / BITS + 1) * sizeof(*sim->donees));
	sim->nr_donees = 0;
	for (cpu = 0; cpu < sim->nr_cpus; cpu++)
		if (plan_is_donee(goal, sim->queues[cpu].nr, donor_nr))
			mark_donee(sim, cpu, true);
}

/* One pass, as bypass_lb_node() does it. */
struct sim_pass sim_pass(struct sim *sim, u32 intv_us, u32 slice_us)
{
	struct sim_pass pass = { .before = sim_load(sim, sim->nr_cpus) };
	struct plan_goal goal = plan_make(&pass.before, intv_us, slice_us);
	int cpu;

	for (cpu = 0; cpu < sim->nr_cpus; cpu++)
		sim->queues[cpu].received = false;
	find_donees(sim, &goal, ~0u);
	for (cpu = 0; cpu < sim->nr_cpus && sim->nr_donees; cpu++)
		if (plan_is_donor(&goal, sim->queues[cpu].nr))
			relieve(sim, cpu, &goal, &pass);

	goal.even = true;
	for (cpu = 0; cpu < sim->nr_cpus; cpu++) {
		if (!plan_is_donor(&goal, sim->queues[cpu].nr) || sim->queues[cpu].received)
			continue;
		find_donees(sim, &goal, sim->queues[cpu].nr);
		relieve(sim, cpu, &goal, &pass);
	}

	pass.after = sim_load(sim, sim->nr_cpus);
	return pass;
}
