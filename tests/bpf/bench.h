/* SPDX-License-Identifier: GPL-2.0-only */
/* What the bench's probes count, and who reads it. */
#ifndef BENCH_H
#define BENCH_H

/* by its lower bits a task has its place in the table of waits */
#define BENCH_PIDS	65536
/* grace periods that are remembered */
#define BENCH_GRACES	4
#define BENCH_CPUS	256

/**
 * struct bench_figures - in the .bss of bench.bpf.o, which the driver maps
 * @armed_ns: figures are of what happens since then, 0 = none are taken
 * @wait_max_ns: the longest that a runnable task has waited for a CPU
 * @bypass_begin_ns: when scx_bypass() was first entered
 * @bypass_end_ns: when it was last left
 * @walk_ns: how long the first time took, when it queues each task again
 * @nr_graces: how often whoever entered bypass has waited for RCU
 * @grace_ns: and how long each time
 * @worker: who entered bypass
 * @pick_max_ns: the longest look for a task, with interrupts off
 * @picks: tasks picked to run
 * @looks: tasks of other CPUs looked at for that
 * @moved: tasks that a balancer has moved
 * @balanced_ns: when a balancer's pass first left each CPU within 125 % of the mean
 * @module_queues: from the driver: per-CPU address of the module's queues, if any
 * @lengths: the sample: tasks queued for each CPU
 */
struct bench_figures {
	unsigned long long armed_ns;
	unsigned long long wait_max_ns;
	unsigned long long bypass_begin_ns;
	unsigned long long bypass_end_ns;
	unsigned long long walk_ns;
	unsigned long long nr_graces;
	unsigned long long grace_ns[BENCH_GRACES];
	unsigned long long worker;
	unsigned long long pick_max_ns;
	unsigned long long picks;
	unsigned long long looks;
	unsigned long long moved;
	unsigned long long balanced_ns;
	unsigned long long module_queues;
	unsigned int lengths[BENCH_CPUS];
};

#endif /* BENCH_H */
