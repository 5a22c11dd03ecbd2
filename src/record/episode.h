/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EPISODE_H
#define EPISODE_H

#include <linux/sched.h>
#include <linux/types.h>

#include "record/count.h"

/* how many of the last ones are kept */
#define EPISODE_KEPT	16

struct episode_task {
	char comm[TASK_COMM_LEN];
	pid_t pid;
};

/**
 * struct episode - bypass, from off to off
 * @number: counted from 1 on
 * @begin_ns: when it began, CLOCK_MONOTONIC
 * @begin_real_ns: the same, CLOCK_REALTIME
 * @lasted_ns: how long it lasted
 * @entered: the task that made it begin; pid 0 if it had begun before the hooks
 * @left: the task that made it end
 * @nr_cpus: CPUs that were online
 * @queued_max: tasks on all bypass DSQs, the most that was seen
 * @longest_queue: the longest bypass DSQ
 * @longest_before: the longest run queue when it began, of all scheduling classes
 * @longest_after: and when it ended
 * @wait_ms: the longest time that a task was seen to have waited for a CPU
 * @counts: what was done; while the episode goes on, the counts when it began
 */
struct episode {
	u64 number;
	u64 begin_ns;
	u64 begin_real_ns;
	u64 lasted_ns;
	struct episode_task entered;
	struct episode_task left;
	u32 nr_cpus;
	u32 queued_max;
	u32 longest_queue;
	u32 longest_before;
	u32 longest_after;
	u32 wait_ms;
	struct counts counts;
};

/**
 * struct episode_totals - since the module was loaded
 * @episodes: bypass episodes that have ended
 * @bypass_ns: time in bypass, with the episode that goes on
 * @since_ns: when the episode began that goes on, CLOCK_MONOTONIC; 0 if none does
 */
struct episode_totals {
	u64 episodes;
	u64 bypass_ns;
	u64 since_ns;
};

void episode_before(bool bypass);
void episode_after(bool bypass);
void episode_pass(void);
void episode_stop(void);
struct episode_totals episode_totals(void);
bool episode_read(u64 number, struct episode *e);

#endif /* EPISODE_H */
