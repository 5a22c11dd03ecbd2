// SPDX-License-Identifier: GPL-2.0-only
/*
 * housekeeper: passes prefer a CPU of the node that does the kernel's housekeeping, and here there
 * is one. A real-time task takes that CPU. Where interrupts are threaded, an ordinary thread of the
 * CPU would make the passes, and does not run. So another CPU must make them.
 */
#include "lab.h"

/* all other CPUs of its node are nohz_full */
#define KEEPER_CPU	0
#define PILE_CPU	1
/* the driver stays in the other node */
#define DRIVER_CPU	(GUEST_CPUS - 1)
#define TASKS		40
/* a pass that was due as the real-time task came is over */
#define SETTLE_MS	200

static void case_housekeeper(bool module)
{
	unsigned long long moved;
	pid_t hog;
	int i;

	hogs_may_run();
	load_test_module();
	module_load("bypass_lb_intv_us=4000");
	must_attach(SCHED_GLOBAL);
	pin_to(DRIVER_CPU, DRIVER_CPU);
	hold_bypass(true);
	/* not under the scheduler, where the first one has the CPU, without a tick, to itself */
	spawn_on(TASKS, PILE_CPU);
	must_progress(120, "in bypass");
	hog = hog_begin(KEEPER_CPU, HOG_PRIO);
	sleep_ms(SETTLE_MS);
	moved = node_status(0).moved;
	/* they stay where they wait, until a pass moves them */
	for (i = 0; i < TASKS; i++)
		pin_to_range(task_pid(i), PILE_CPU, 2);
	check(wait_for(has_moved, &moved, 30), "passes go on, made by CPU %llu",
	      status_number("node0_last_pass_cpu"));
	end_children(&hog, 1);
	spread_end();
	module_unload();
}

CASE(housekeeper) = {
	.shows =
		"a real-time task takes the only CPU of a node that does the kernel's housekeeping: passes go on, also if interrupts are threaded",
	.machines = "housekeeper",
};
