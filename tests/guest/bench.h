/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of the bench: loads, probes, and what a context switch costs. */
#ifndef GUEST_BENCH_H
#define GUEST_BENCH_H

#include "lab.h"

/**
 * struct bench_load - what a machine does while its scheduler is thrown out
 * @name: for the host
 * @which: the scheduler
 * @task: what task number @index does, for ever
 * @begins_late: the tasks are forked just before the scheduler is thrown out
 * @counts_looks: the tasks that a pick looks at are counted, which takes time
 * @samples: the lengths of queues are told, which takes time
 */
struct bench_load {
	const char *name;
	enum scheduler which;
	void (*task)(int index);
	bool begins_late;
	bool counts_looks;
	bool samples;
};

/* bench_loads.c */
const struct bench_load *bench_load(const char *name);
void load_start(const struct bench_load *load, int tasks);
void load_release(const struct bench_load *load, int tasks);
void load_stop(void);
unsigned long long load_heartbeat_gap_ns(void);
pid_t load_pid(int index);

/* bench_probes.c */
void probes_attach(const struct bench_load *load);
void probes_attach_balancer(bool samples);
void probes_detach_balancer(void);
void probes_arm(void);
void probes_disarm(void);
void probes_report(char *text, size_t size);
void probes_sample(int arm, unsigned long long since);
unsigned long long probes_longest_wait(unsigned long long end);
unsigned long long now_ns(void);

/* bench_switch.c */
unsigned long long switch_cost_ps(void);

#endif /* GUEST_BENCH_H */
