/* SPDX-License-Identifier: GPL-2.0-only */
/* A node's bypass DSQs and its balancer, simulated. */
#ifndef SIM_H
#define SIM_H

#include <stdbool.h>

#include "../../src/balance/plan.h"

/**
 * struct sim_task - a task that waits
 * @next: the one behind it in its queue, -1 = none
 * @cpu: whose task it is; it may wait elsewhere
 * @first: it may run on this CPU and
 * @last: on those up to this one
 */
struct sim_task {
	int next, cpu, first, last;
};

/**
 * struct sim_queue - a CPU's queue
 * @head: its first task, -1 = none
 * @tail: its last one
 * @nr: how many
 * @received: it has received some in this pass
 */
struct sim_queue {
	int head, tail;
	u32 nr;
	bool received;
};

/**
 * struct sim_pass - what a pass has done
 * @before: the queues before
 * @after: and after
 * @moved: tasks moved
 * @looked: entries looked at
 * @holds: times that the donors' locks were taken
 */
struct sim_pass {
	struct plan_load before, after;
	u64 moved, looked, holds;
};

struct sim;

struct sim *sim_new(int nr_cpus, int max_tasks);
void sim_free(struct sim *sim);
void sim_add(struct sim *sim, int cpu, int first, int last);
void sim_run(struct sim *sim, u32 picks);
struct plan_load sim_load(const struct sim *sim, int nr_cpus);
struct sim_pass sim_pass(struct sim *sim, u32 intv_us, u32 slice_us);

#endif /* SIM_H */
