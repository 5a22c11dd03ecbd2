// SPDX-License-Identifier: GPL-2.0-only
/*
 * demo: the length of each CPU's queue over time, told in lines that the host
 * draws. All tasks are piled on CPU 0 when bypass begins.
 */
#include "lab.h"

#define TASKS	240
#define SAMPLES	6
#define STEP_MS	250

static void tell_queues(const char *arm, double since)
{
	char line[128];

	list_queues(line, sizeof(line));
	info("sample %s %.0f%s", arm, (now() - since) * 1000, line);
}

static void show(const char *arm, const char *interval)
{
	struct node_status status;
	double start;
	int i;

	must_write(PARAM("bypass_lb_intv_us"), interval);
	must_attach(SCHED_PILE);
	spawn(TASKS, 0, NULL);
	must_progress(120, "under the scheduler");

	hold_bypass(true);
	start = now();
	for (i = 0; i < SAMPLES; i++) {
		tell_queues(arm, start);
		sleep_ms(STEP_MS);
	}
	status = node_status(0);
	info("moved %s %llu", arm, status.delivered + status.moved);

	start = now();
	must_write("/proc/sysrq-trigger", "S");
	hold_bypass(false);
	check(wait_for(sched_is_off, NULL, 120), "%s: the scheduler is gone", arm);
	info("gone %s %.0f", arm, (now() - start) * 1000);
	check(all_progress(120), "%s: all tasks run", arm);
	kill_tasks();
	sched_detach();
}

void case_demo(bool module)
{
	load_test_module();
	module_load("");
	show("off", "0");
	show("on", "500000");
	module_unload();
}
