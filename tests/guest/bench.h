/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of the bench: loads, probes, and what a context switch costs. */
#ifndef GUEST_BENCH_H
#define GUEST_BENCH_H

#include "lab.h"

/**
 * enum load_kind - how the tasks of a load come to be
 * @LOAD_WAITS: processes that wait until the scheduler is there
 * @LOAD_FORKS: processes that are forked just before the trigger
 * @LOAD_THREADS: threads that are made just before the trigger
 * @LOAD_PROGRAM: a program from the distribution makes them
 */
enum load_kind { LOAD_WAITS, LOAD_FORKS, LOAD_THREADS, LOAD_PROGRAM };

/**
 * enum load_trigger - what is done to the busy machine
 * @TRIGGER_DISABLE: the scheduler is thrown out
 * @TRIGGER_SWITCH: it is replaced by "brief"
 * @TRIGGER_ENABLE: there is none, and "brief" comes
 */
enum load_trigger { TRIGGER_DISABLE, TRIGGER_SWITCH, TRIGGER_ENABLE };

/**
 * struct bench_load - what a machine does meanwhile
 * @name: for the host
 * @kind: how its tasks are started
 * @which: the scheduler
 * @trigger: what is done
 * @task: what task number @index does, for ever
 * @program: for LOAD_PROGRAM: what is run instead, with so many tasks
 * @has_lone: the last CPU of each node has one task of its own, which spins; the
 *	load's tasks may not go there
 * @both_nodes: half of the tasks are piled up in each node
 */
struct bench_load {
	const char *name;
	enum load_kind kind;
	enum scheduler which;
	enum load_trigger trigger;
	void (*task)(int index);
	void (*program)(int tasks);
	bool has_lone;
	bool both_nodes;
};

/* bench_loads.c */
const struct bench_load *bench_load(const char *name);
void load_start(const struct bench_load *load, int tasks);
void load_release(const struct bench_load *load, int tasks);
void load_kill(void);
void load_stop(void);
bool load_start_child(void);

/* bench_programs.c */
void run_hackbench(int tasks);
void run_stress(int tasks);

/* bench_gaps.c: tasks that look at the clock */
void gaps_start(bool has_lone);
void gaps_measure(void);
void gaps_report(char *text, size_t size);
void spin_slowly(void);

/**
 * struct outcome - of a run, in ns since the trigger
 * @reached: the scheduler is gone, or there
 * @even: no CPU's queue is above 1.5 times its share
 * @ran: each task that waited has had a CPU
 * @recovered: all three
 * @wait: the longest wait of any task until then
 */
struct outcome {
	unsigned long long reached, even, ran, recovered, wait;
};

/* bench_probes.c: what BPF programs see */
void probes_attach(void);
void probes_arm(const struct bench_load *load);
bool probes_wait(void);
struct outcome probes_disarm(char *text, size_t size);
void probes_samples(int variant);

/* case_bench.c */
struct outcome bench_run(const struct bench_load *load, int tasks, char *text, size_t size);

/* bench_cost.c */
unsigned long long switch_cost_ps(void);

#endif /* GUEST_BENCH_H */
