// SPDX-License-Identifier: GPL-2.0-only
/*
 * contention: hundreds of tasks on many small CPU sets, all on the global DSQ
 * when bypass begins. Without the module a CPU walks that queue for a task it
 * may run; with it, each CPU has a queue of its own.
 */
#include <stdio.h>
#include <string.h>

#include "lab.h"

#define FEW	80
#define MANY	400
#define BUSY_CPU	1
/* the watchdog of a scheduler lets them wait for a turn */
#define MANY_PINNED	800
/* of the module's guard */
#define LOOK_MS		4

/*
 * Sets of one or two CPUs. CPUs 0 and 1 are in more of them than others are,
 * so that what waits for these two fills the queue.
 */
static int pin_to_set(int index)
{
	if (index % 4)
		return pin_to(index % 2, index / 4 % 2);
	index /= 4;
	return pin_to(2 + index % (GUEST_CPUS - 2), 2 + index / 2 % (GUEST_CPUS - 2));
}

/* Tasks looked at per pick while bypass is on. */
static double measure(int nr, bool *alive)
{
	unsigned long looked, picked;

	kill_tasks();
	spawn(nr, 0, pin_to_set);
	must_progress(300, "under the scheduler");
	hold_bypass(true);
	sleep_ms(500);
	looked = probe_hits("looked");
	picked = probe_hits("picked");
	*alive = all_progress(300);
	sleep_ms(2000);
	looked = probe_hits("looked") - looked;
	picked = probe_hits("picked") - picked;
	hold_bypass(false);
	info("%d tasks: %lu picks, %lu tasks of other CPUs looked at, %.2f per pick",
	     nr, picked, looked, picked ? (double)looked / picked : 0);
	if (!picked)
		give_up("nothing was picked");
	/* and the task that is picked itself */
	return (double)looked / picked + 1;
}

/*
 * All tasks may run only on one CPU, and the others idle. They look whether they may take one, but
 * must not keep that CPU from its own queue. Tasks looked at by the module in a look of the guard.
 */
static void measure_pinned(void)
{
	unsigned long asked, looks;
	double begin;

	kill_tasks();
	spawn_on(MANY_PINNED, BUSY_CPU);
	must_progress(300, "under the scheduler");
	hold_bypass(true);
	set_probes("p:asked scx_bypass_lb:bypass_dsq_may_move\n");
	begin = now();
	sleep_ms(2000);
	asked = probe_hits("asked");
	looks = (now() - begin) * 1000 / LOOK_MS;
	set_probes("");
	hold_bypass(false);
	info("%d tasks of one CPU: %lu looked at in %lu looks of the guard", MANY_PINNED, asked,
	     looks);
	check(asked > MANY_PINNED && asked / looks < MANY_PINNED / 2,
	      "idle CPUs look at %lu of the tasks in each look", asked / looks);
}

static void case_contention(bool module)
{
	double few, many;
	bool alive;

	load_test_module();
	if (module)
		module_load("");
	must_attach(SCHED_GLOBAL);
	/*
	 * How often does the kernel look at a task that waits for another CPU,
	 * and how often does it pick one to run?
	 */
	set_probes("p:looked task_can_run_on_remote_rq\np:picked set_next_task_scx\n");

	few = measure(FEW, &alive);
	check(alive, "all of %d tasks run in bypass", FEW);
	many = measure(MANY, &alive);
	check(alive, "all of %d tasks run in bypass", MANY);
	info("looked at per pick: %.2f with %d tasks, %.2f with %d", few, FEW, many, MANY);
	if (module)
		check(few < 2 && many < 2, "tasks looked at per pick stay near 1");
	else if (many == 1)
		skip("tasks looked at per pick", "the compiler has inlined what is counted");
	else
		check(many > 4 && many > 2 * few, "tasks looked at per pick grow with the queue");

	set_probes("");
	if (module)
		measure_pinned();
	sched_press_sysrq();
	check(wait_for(sched_is_off, NULL, 120), "the disable completes");
	check(all_progress(300), "all tasks run afterwards");
	kill_tasks();
	sched_detach();
	if (module)
		module_unload();
}

CASE(contention) = {
	.shows =
		"hundreds of tasks on small CPU sets: tasks looked at per pick, with the module and without",
	.variants = "control module",
	.machines = "counted",
};
