/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a pass of the balancer aims at, from the lengths of the queues alone.
 *
 * Pure functions: no locks, no state, any context. The simulator in tests/sim
 * is built with them too, for machines that are larger than any at hand.
 */
#ifndef PLAN_H
#define PLAN_H

#include <linux/kernel.h>
#include <linux/types.h>

/* entries looked at before the donor's locks are dropped */
#define PLAN_BATCH		256
/* a donor has more than this share of the mean, in percent */
#define PLAN_DONOR_PCT		125
/* a donor's excess must be worth this fraction of the interval */
#define PLAN_MIN_DELTA_DIV	4

/**
 * struct plan_load - how the tasks of a node are spread
 * @nr_cpus: CPUs that take part
 * @nr_tasks: tasks on their bypass DSQs
 * @min: the shortest of these queues
 * @max: the longest
 */
struct plan_load {
	u32 nr_cpus;
	u32 nr_tasks;
	u32 min;
	u32 max;
};

/**
 * struct plan_goal - what a pass aims at
 * @target: donees are filled up to this many tasks
 * @donor_target: donors are relieved down to this many
 * @min_excess: a donor has at least this many more than @donor_target
 * @even: donees are not short of tasks, but the donor has many more than they
 */
struct plan_goal {
	u32 target;
	u32 donor_target;
	u32 min_excess;
	bool even;
};

/* Count in a CPU with a queue of @nr tasks. */
static inline void plan_add(struct plan_load *load, u32 nr)
{
	load->min = load->nr_cpus ? min(load->min, nr) : nr;
	load->max = max(load->max, nr);
	load->nr_cpus++;
	load->nr_tasks += nr;
}

/* More than this is many more than @nr tasks. */
static inline u32 plan_many_more(u32 nr)
{
	return DIV_ROUND_UP_ULL((u64)nr * PLAN_DONOR_PCT, 100);
}

/*
 * A donor is worth relieving if its excess would keep it busy for a large part
 * of the interval; less than that is gone by itself.
 */
static inline struct plan_goal plan_make(const struct plan_load *load, u32 intv_us, u32 slice_us)
{
	struct plan_goal goal = {};

	goal.target = DIV_ROUND_UP(load->nr_tasks, load->nr_cpus);
	goal.donor_target = plan_many_more(goal.target);
	goal.min_excess = DIV_ROUND_UP(intv_us / PLAN_MIN_DELTA_DIV, slice_us);
	return goal;
}

/* May a CPU with a queue of @nr tasks still receive one of the @donor_nr of a donor? */
static inline bool plan_is_donee(const struct plan_goal *goal, u32 nr, u32 donor_nr)
{
	if (!goal->even)
		return nr < goal->target;
	return nr >= goal->target && plan_many_more(nr) + goal->min_excess < donor_nr;
}

/* Is such a CPU to be relieved? */
static inline bool plan_is_donor(const struct plan_goal *goal, u32 nr)
{
	return nr > goal->donor_target && nr - goal->donor_target >= goal->min_excess;
}

/* Has a donor no more than it may keep? */
static inline bool plan_is_relieved(const struct plan_goal *goal, u32 nr)
{
	return nr <= goal->donor_target;
}

#endif /* PLAN_H */
