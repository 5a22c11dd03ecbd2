// SPDX-License-Identifier: GPL-2.0-only
/* After a storm: is every task still there, does it run, is it on no stale queue? */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "lab.h"

#define SECONDS	120

/*
 * While a scheduler is loaded, the kernel notes a task's new weight for
 * sched_ext alone. Back in the fair class the task has the weight that it had
 * before, be it 3 or 88761, and beside the one the other starves for minutes.
 * A change of the nice value renews it.
 */
static void renew_weight(pid_t pid)
{
	setpriority(PRIO_PROCESS, pid, 1);
	setpriority(PRIO_PROCESS, pid, 0);
}

/* As when they were spawned. */
static void calm(pid_t pid)
{
	set_priority(pid, 0);
	setpriority(PRIO_PROCESS, pid, 0);
	pin_to_range(pid, 0, GUEST_CPUS);
}

static bool is_alive(pid_t pid)
{
	char path[64], buf[1024], *end;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (!read_file(path, buf, sizeof(buf)))
		return false;
	end = strrchr(buf, ')');
	return end && strncmp(end, ") Z", 3);
}

/*
 * In bypass, under the scheduler if it is still there, without it, and without
 * the module. Ends all four. The storms are over.
 */
void account_for_all(bool module)
{
	int i, lost = 0;

	for (i = 0; i < nr_tasks(); i++) {
		calm(task_pid(i));
		lost += !is_alive(task_pid(i));
	}
	check(!lost, "%d tasks of %d are lost", lost, nr_tasks());
	check(all_progress(SECONDS), "afterwards all tasks run");
	hold_bypass(true);
	check(all_progress(SECONDS), "and in bypass");
	hold_bypass(false);
	if (module && exists(STATUS))
		check(!total_queued(), "after it the bypass DSQs are empty");
	check(!read_long(TEST_PARAM("stale")), "no task is on one of them");
	check(!read_long(TEST_PARAM("deaf")), "irq_work is done on each CPU");

	sched_must_go();
	for (i = 0; i < nr_tasks(); i++)
		renew_weight(task_pid(i));
	check(all_progress(SECONDS), "and without it all tasks run");
	if (module && exists(STATUS)) {
		module_unload();
		check(all_progress(SECONDS), "and without the module");
	}
	check(!kernel_log_has("sched_ext: BPF scheduler \"pile\" disabled (runnable task stall"),
	      "the scheduler's watchdog has not found a stall");
	kill_tasks();
}
