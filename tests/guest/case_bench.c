// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench: a scheduler leaves, comes or is replaced on a busy machine, as often as
 * one likes, with each of several variants in turn. Tells what came of it, one
 * line a run; the host makes tables of them.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

/*
 * What the host asks for. A variant is "stock", or "module" with parameters behind
 * it; there are commas between the words of a variant, and colons between variants.
 */
const char *bench_workload = "skew";
const char *bench_variants = "stock";
int bench_tasks = 1;
int bench_runs = 1;
/* tell the samples of this many runs of each variant */
int bench_samples;

#define MODULE_VARIANT	"module"
/* the load that is not one */
#define COST		"cost"

static void attach(enum scheduler which, int nr_piles)
{
	const struct sched_opts opts = {
		.which = which,
		.cpus_per_pile = nr_cpus / nr_piles,
	};

	if (sched_attach(&opts))
		give_up("attaching the scheduler failed");
}

/* The loader of a scheduler is a task like any other. */
static void be_normal(bool normal)
{
	const struct sched_param param = { .sched_priority = normal ? 0 : 50 };

	if (sched_setscheduler(0, (normal ? SCHED_OTHER : SCHED_FIFO) | SCHED_RESET_ON_FORK,
			       &param))
		give_up("cannot set the driver's policy");
}

/*
 * Some kernels never attach a scheduler on a machine that the fair class keeps busy, see
 * case_enable.c. When it is known that the machine has not recovered, end the load.
 */
static pid_t begin_to_wait(void)
{
	pid_t pid = start_child("patience");

	if (pid)
		return pid;
	be_normal(false);
	if (!probes_wait())
		load_kill();
	_exit(0);
}

static void set_off(enum load_trigger what)
{
	pid_t patience;

	if (what == TRIGGER_DISABLE) {
		sched_press_sysrq();
		return;
	}
	sched_detach();
	patience = begin_to_wait();
	be_normal(true);
	if (sched_attach_next())
		give_up("attaching the other scheduler failed");
	be_normal(false);
	end_children(&patience, 1);
}

/* @text: names and values */
struct outcome bench_run(const struct bench_load *load, int tasks, char *text, size_t size)
{
	struct outcome outcome;
	size_t len;

	load_start(load, tasks);
	if (load->trigger != TRIGGER_ENABLE)
		attach(load->which, load->both_nodes ? 2 : 1);
	load_release(load, tasks);
	if (load->trigger != TRIGGER_DISABLE)
		sched_load_next();

	probes_arm(load);
	gaps_measure();
	set_off(load->trigger);
	if (!probes_wait())
		info("the machine has not recovered");
	outcome = probes_disarm(text, size);
	len = strlen(text);
	gaps_report(text + len, size - len);

	load_stop();
	sched_detach();
	if (!wait_for(sched_is_off, NULL, 60))
		give_up("the scheduler does not go");
	return outcome;
}

static void measure_cost(int variant)
{
	unsigned long long idle = switch_cost_ps(), loaded;

	attach(SCHED_PILE, 1);
	loaded = switch_cost_ps();
	sched_detach();
	info("run variant %d switch_ps %llu switch_without_ps %llu", variant, loaded, idle);
}

static void run_variant(int variant, int run, const char *words)
{
	bool module = !strncmp(words, MODULE_VARIANT, strlen(MODULE_VARIANT));
	char params[256], text[1024], *comma;

	if (module) {
		snprintf(params, sizeof(params), "%s", words + strlen(MODULE_VARIANT));
		while ((comma = strchr(params, ',')))
			*comma = ' ';
		module_load(params);
	}
	if (!strcmp(bench_workload, COST)) {
		measure_cost(variant);
	} else {
		bench_run(bench_load(bench_workload), bench_tasks, text, sizeof(text));
		info("run variant %d %s", variant, text);
		if (run < bench_samples)
			probes_samples(variant);
	}
	if (module)
		module_unload();
}

static void case_bench(bool module)
{
	int run, variant;

	if (strcmp(bench_workload, COST))
		probes_attach();
	for (run = 0; run < bench_runs; run++) {
		const char *words = bench_variants, *next;
		char one[256];

		for (variant = 0; words; variant++, words = next) {
			size_t len = strcspn(words, ":");

			next = words[len] ? words + len + 1 : NULL;
			snprintf(one, sizeof(one), "%.*s", (int)len, words);
			run_variant(variant, run, one);
		}
	}
}

CASE(bench) = {
	.shows = "figures, for make bench",
	.targets = "command",
	.unwatched = "instructions are counted, and nothing else may be",
};
