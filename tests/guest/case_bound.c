// SPDX-License-Identifier: GPL-2.0-only
/*
 * bound: how long a task waits for a CPU that a real-time task keeps, in guest time, which is
 * counted in instructions. docs/design.md has the bound: until it is seen that the CPU does not
 * serve its tasks, and then a turn. A task that comes when this is known waits for a turn alone.
 * Without the module first, then with it.
 *
 * nohz-full: on a machine where the real-time task's CPU, and one beside it, have no tick while
 * they run one task alone.
 */
#include <string.h>
#include <unistd.h>

#include "lab.h"

#define NOHZ_FULL	"/sys/devices/system/cpu/nohz_full"

#define HOG_CPU		3
#define DRIVER_CPU	7
/* tasks on each other CPU of the node */
#define BUSY		2
#define ARRIVALS	15
/* between two of them; by then it is known that the CPU has a real-time task */
#define PAUSE_MS	40
/* a gap is looked for while a real-time task comes */
#define GAP_TRIES	5
#define GAP_SECONDS	0.3
#define POLL_US		200
/* two looks, a CPU helps in every second tick, a turn of two tasks, and some to spare */
#define GAP_MS		20
/* until the next look, and a CPU helps in every second tick */
#define ARRIVAL_MS	13

/*
 * The last of the tasks may run on all of the node's CPUs. The others keep theirs busy: one that
 * has just a task that runs takes what others have at its next tick.
 */
static int on_own_cpu(int index)
{
	return pin_to(index % HOG_CPU, index % HOG_CPU);
}

static unsigned long work_of_last(void)
{
	return work_of_task(nr_tasks() - 1);
}

/* The longest time, in ms, for which the last task makes no step while a real-time task comes. */
static double gap_as_hog_comes(pid_t last)
{
	double worst = 0, before, end;
	pid_t hog;
	int i;

	for (i = 0; i < GAP_TRIES; i++) {
		unsigned long work;

		pin_to_range(last, HOG_CPU, 1);
		sleep_ms(PAUSE_MS);
		pin_to_range(last, 0, HOG_CPU + 1);
		hog = hog_begin_soon(HOG_CPU, HOG_PRIO);
		work = work_of_last();
		before = now();
		end = before + GAP_SECONDS;
		while (now() < end) {
			usleep(POLL_US);
			if (work_of_last() == work)
				continue;
			if (now() - before > worst)
				worst = now() - before;
			work = work_of_last();
			before = now();
		}
		end_children(&hog, 1);
	}
	return worst * 1000;
}

/* The median time, in ms, until the last task runs when it comes to the real-time task's CPU. */
static double wait_beside_hog(pid_t last)
{
	pid_t hog = hog_begin(HOG_CPU, HOG_PRIO);
	double waits[ARRIVALS], begin;
	int i;

	for (i = 0; i < ARRIVALS; i++) {
		unsigned long work;

		pin_to_range(last, HOG_CPU - 1, 1);
		sleep_ms(PAUSE_MS);
		pin_to_range(last, HOG_CPU, 1);
		work = work_of_last();
		begin = now();
		pin_to_range(last, 0, HOG_CPU + 1);
		while (work_of_last() == work && now() < begin + 5)
			usleep(POLL_US);
		waits[i] = now() - begin;
	}
	end_children(&hog, 1);
	sort_figures(waits, ARRIVALS);
	return waits[ARRIVALS / 2] * 1000;
}

static void measure(bool module)
{
	double gap, arrival;
	pid_t last;

	must_attach(SCHED_GLOBAL);
	spawn(BUSY * HOG_CPU + 1, 0, on_own_cpu);
	last = task_pid(nr_tasks() - 1);
	must_progress(120, "under the scheduler");
	pin_to(DRIVER_CPU, DRIVER_CPU);
	hold_bypass(true);
	must_progress(120, "in bypass");
	gap = gap_as_hog_comes(last);
	arrival = wait_beside_hog(last);
	info("%s the module: at most %.1f ms as a real-time task comes, then %.1f ms (median)",
	     module ? "with" : "without", gap, arrival);
	if (module) {
		check(gap <= GAP_MS, "as a real-time task comes, a task waits for %.1f ms at most",
		      gap);
		check(arrival <= ARRIVAL_MS, "beside a real-time task it waits for %.1f ms",
		      arrival);
	}
	hold_bypass(false);
	pin_to_range(0, 0, GUEST_CPUS);
	kill_tasks();
	sched_must_go();
}

static void case_bound(bool unused)
{
	char buf[64] = "";

	read_file(NOHZ_FULL, buf, sizeof(buf));
	info("CPUs without a tick: %s", strpbrk(buf, "0123456789") ? strtok(buf, "\n") : "none");
	hogs_may_run();
	load_test_module();
	measure(false);
	/* without passes, which would move it as well */
	module_load("bypass_lb_intv_us=0");
	measure(true);
	module_unload();
}

CASE(bound) = {
	.shows =
		"how long a task waits for a CPU that a real-time task keeps, or has just taken: the bound of docs/design.md, in counted time",
	.variants = "usual nohz-full",
	.machines = "counted nohz-full",
};
