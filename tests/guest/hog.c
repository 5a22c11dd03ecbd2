// SPDX-License-Identifier: GPL-2.0-only
/* A task that takes a CPU for itself and does not give it back. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lab.h"

#define WQ_WATCHDOG	"/sys/module/workqueue/parameters/watchdog_thresh"

/*
 * A real-time task may run for as long as it likes. Some kernels report that the work of its
 * CPU waits meanwhile, which is no fault.
 */
void hogs_may_run(void)
{
	must_write("/proc/sys/kernel/sched_rt_runtime_us", "-1");
	if (exists(WQ_WATCHDOG))
		must_write(WQ_WATCHDOG, "0");
}

static void __noreturn spin_and_nap(unsigned int ms)
{
	for (;;) {
		double begin = now();

		while (!ms || now() < begin + ms / 1000.0)
			;
		usleep(1);
	}
}

/* @ready: a pipe to write to as it begins to spin, or -1 */
static pid_t start_hog(int cpu, int priority, unsigned int ms, int ready)
{
	pid_t pid = start_child("hog");
	char byte = 0;

	if (pid)
		return pid;
	if (pin_to(cpu, cpu) || set_priority(0, priority)) {
		info("a hog for CPU %d: %s", cpu, strerror(errno));
		_exit(1);
	}
	/* it comes back as a task that wakes up, and preempts what runs there */
	usleep(50000);
	if (ready >= 0 && write(ready, &byte, 1) != 1)
		_exit(1);
	spin_and_nap(ms);
}

/*
 * It spins on @cpu with @priority, see set_priority(), until it is killed, and naps for as short
 * as it can after each @ms of the guest, if that is not 0. Returns when it spins.
 */
pid_t hog_begin_napping(int cpu, int priority, unsigned int ms)
{
	int ready[2];
	char byte = 0;
	pid_t pid;

	if (pipe(ready))
		give_up("no pipe");
	pid = start_hog(cpu, priority, ms, ready[1]);
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		give_up("the hog does not run");
	close(ready[0]);
	return pid;
}

pid_t hog_begin(int cpu, int priority)
{
	return hog_begin_napping(cpu, priority, 0);
}

/* Returns before it spins. */
pid_t hog_begin_soon(int cpu, int priority)
{
	return start_hog(cpu, priority, 0, -1);
}
