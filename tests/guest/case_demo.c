// SPDX-License-Identifier: GPL-2.0-only
/*
 * demo: the length of each CPU's queue over time, reported in lines that the host
 * draws. Tasks that pile up on CPU 0 in bypass, without passes of the balancer and
 * with them; and tasks that a scheduler has piled up before, as bypass begins.
 */
#include "lab.h"

#define TASKS	120
#define SAMPLES	3
#define STEP_MS	100

static double begun;

static void report_samples(const char *part)
{
	char line[128];
	int i;

	for (i = 0; i < SAMPLES; i++) {
		list_queues(line, sizeof(line));
		info("sample %s %.0f%s", part, (now() - begun) * 1000, line);
		sleep_ms(STEP_MS);
	}
}

static void end_bypass(const char *part)
{
	double start = now();

	sched_press_sysrq();
	hold_bypass(false);
	check(wait_for(sched_is_off, NULL, 120), "%s: the scheduler is gone", part);
	info("gone %s %.0f", part, (now() - start) * 1000);
	check(all_progress(120), "%s: all tasks run", part);
	kill_tasks();
	sched_detach();
}

static void show_passes(void)
{
	must_write(PARAM("bypass_lb_intv_us"), "0");
	pile_up_in_bypass(TASKS, false);
	begun = now();
	report_samples("off");
	must_write(PARAM("bypass_lb_intv_us"), "500000");
	report_samples("on");
	info("moved on %llu", node_status(0).moved);
	end_bypass("on");
}

static void show_delivery(void)
{
	unsigned long long before = node_status(0).delivered;

	must_attach(SCHED_PILE);
	spawn(TASKS, 0, NULL);
	must_progress(120, "under the scheduler");
	begun = now();
	hold_bypass(true);
	report_samples("begins");
	info("moved begins %llu", node_status(0).delivered - before);
	end_bypass("begins");
}

static void case_demo(bool module)
{
	load_test_module();
	module_load("");
	show_passes();
	show_delivery();
	module_unload();
}

CASE(demo) = {
	.shows = "queue lengths over time, for make demo",
	.targets = "command",
};
