// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench: a scheduler is thrown out of a busy machine, as often as one likes,
 * with each of several arms in turn. Tells what came of it, one line a run; the
 * host makes tables of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

/*
 * What the host asks for. An arm is "stock", or "module" with parameters behind
 * it; there are commas between the words of an arm, and colons between arms.
 */
const char *bench_workload = "skew";
const char *bench_arms = "stock";
int bench_tasks = 1;
int bench_runs = 1;

/* a disable that takes so many seconds of the guest never ends */
#define LIMIT_S		300
#define LOOK_US		500
/* for how long since the trigger samples are taken */
#define WATCH_NS	2000000000ull
#define BENCH_NODES	2
#define MODULE_ARM	"module"
/* the load that is not one */
#define SWITCH		"switch"
/* for leave: tasks for each CPU, runs of each arm, how many times faster it must be */
#define LEAVE_TASKS	30
#define LEAVE_RUNS	5
#define LEAVE_GAIN	10

/* Takes samples of the queues: a few at each magnitude of time since the trigger. */
struct sampler {
	int arm;
	unsigned long long begin_ns;
	unsigned long long next;	/* when, in ns since then */
};

static void sample(struct sampler *sampler)
{
	unsigned long long since = now_ns() - sampler->begin_ns;

	if (since < sampler->next)
		return;
	probes_sample(sampler->arm, since);
	sampler->next = since + since / 20;
}

/* Returns whether it is before the limit. @sampler may be NULL */
static bool is_disabled(struct sampler *sampler)
{
	double limit = now() + LIMIT_S;

	while (now() < limit) {
		if (sched_is_off(NULL))
			return true;
		if (sampler)
			sample(sampler);
		usleep(LOOK_US);
	}
	return false;
}

/* What the fair class makes of the queues it was handed. */
static void watch(struct sampler *sampler)
{
	while (now_ns() < sampler->begin_ns + WATCH_NS) {
		sample(sampler);
		usleep(LOOK_US);
	}
}

static unsigned long long longest_lock_hold(void)
{
	unsigned long long longest = 0;
	int node;

	if (!exists(STATUS))
		return 0;
	for (node = 0; node < BENCH_NODES; node++) {
		unsigned long long hold = node_status(node).hold_max_ns;

		if (hold > longest)
			longest = hold;
	}
	return longest;
}

/* Returns how long it took, in ns. */
static unsigned long long throw_out(const struct bench_load *load, int arm)
{
	const struct sched_opts opts = {
		.which = load->which,
		.cpus_per_pile = nr_cpus,
	};
	struct sampler sampler = { .arm = arm };
	unsigned long long took, wait, gap;
	char text[512];

	load_start(load, bench_tasks);
	if (sched_attach(&opts))
		give_up("attaching the scheduler failed");
	load_release(load, bench_tasks);

	probes_arm();
	sampler.begin_ns = now_ns();
	must_write("/proc/sysrq-trigger", "S");
	check(is_disabled(load->samples ? &sampler : NULL), "the disable completes");
	took = now_ns() - sampler.begin_ns;
	wait = probes_longest_wait(sampler.begin_ns + took);
	gap = load_heartbeat_gap_ns();
	probes_disarm();
	if (load->samples)
		watch(&sampler);

	probes_report(text, sizeof(text));
	info("run arm %d total_us %llu wait_us %llu heartbeat_us %llu hold_us %llu %s", arm,
	     took / 1000, wait / 1000, gap / 1000,
	     longest_lock_hold() / 1000, text);
	load_stop();
	sched_detach();
	return took;
}

static void measure_switches(int arm)
{
	const struct sched_opts opts = {
		.which = SCHED_PILE,
		.cpus_per_pile = nr_cpus,
	};
	unsigned long long idle = switch_cost_ps(), loaded;

	if (sched_attach(&opts))
		give_up("attaching the scheduler failed");
	loaded = switch_cost_ps();
	sched_detach();
	info("run arm %d total_us 0 switch_ps %llu switch_without_ps %llu", arm, loaded, idle);
}

static void run_arm(int arm, const char *words)
{
	bool module = !strncmp(words, MODULE_ARM, strlen(MODULE_ARM));
	char params[256], *comma;

	if (module) {
		snprintf(params, sizeof(params), "%s", words + strlen(MODULE_ARM));
		while ((comma = strchr(params, ',')))
			*comma = ' ';
		module_load(params);
	}
	if (!strcmp(bench_workload, SWITCH)) {
		measure_switches(arm);
	} else {
		const struct bench_load *load = bench_load(bench_workload);

		probes_attach_balancer(load->samples);
		throw_out(load, arm);
		probes_detach_balancer();
	}
	if (module)
		module_unload();
}

void case_bench(bool module)
{
	int run, arm;

	if (strcmp(bench_workload, SWITCH))
		probes_attach(bench_load(bench_workload));
	for (run = 0; run < bench_runs; run++) {
		const char *words = bench_arms, *next;
		char one[256];

		for (arm = 0; words; arm++, words = next) {
			size_t len = strcspn(words, ":");

			next = words[len] ? words + len + 1 : NULL;
			snprintf(one, sizeof(one), "%.*s", (int)len, words);
			run_arm(arm, one);
		}
	}
}

static int compare(const void *a, const void *b)
{
	unsigned long long x = *(const unsigned long long *)a, y = *(const unsigned long long *)b;

	return (x > y) - (x < y);
}

/*
 * leave: how much sooner a scheduler goes with the module, of tasks that were just
 * forked. In the guest's time, which counts instructions here.
 */
void case_leave(bool module)
{
	const struct bench_load *load = bench_load("fork");
	unsigned long long times[2][LEAVE_RUNS];
	int arm, run;

	bench_tasks = LEAVE_TASKS * nr_cpus;
	probes_attach(load);
	for (run = 0; run < LEAVE_RUNS; run++) {
		for (arm = 0; arm < 2; arm++) {
			if (arm)
				module_load("");
			times[arm][run] = throw_out(load, arm);
			if (arm)
				module_unload();
		}
	}
	for (arm = 0; arm < 2; arm++)
		qsort(times[arm], LEAVE_RUNS, sizeof(times[arm][0]), compare);
	info("disabled after %llu us without the module, %llu with it (medians), %llu at worst",
	     times[0][LEAVE_RUNS / 2] / 1000, times[1][LEAVE_RUNS / 2] / 1000,
	     times[1][LEAVE_RUNS - 1] / 1000);
	check(times[1][LEAVE_RUNS / 2] * LEAVE_GAIN < times[0][LEAVE_RUNS / 2],
	      "with the module it takes less than 1/%d", LEAVE_GAIN);
	check(times[1][LEAVE_RUNS - 1] < times[0][0],
	      "its worst time is better than the best without");
}
