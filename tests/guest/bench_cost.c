// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a context switch costs while a scheduler is loaded and busy, and no bypass
 * is on: tasks on one CPU yield to each other. The guest's clock counts the
 * instructions of all CPUs, and the others idle.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "bench.h"

#define YIELDERS	4
#define WARM_UP		10000
/* what loading the module and the scheduler has left to do is done by then */
#define SETTLE_MS	3000
#define SWITCHES	40000
/* where tasks go through the scheduler's own queue */
#define YIELD_CPU	0

static struct switches {
	unsigned long count;
	unsigned long long begin_ns, end_ns;
} *switches;

static void __noreturn yield_on(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pin_to_range(0, YIELD_CPU, 1);
	for (;;) {
		unsigned long count = ++switches->count;

		if (count == WARM_UP)
			switches->begin_ns = now_ns();
		if (count == WARM_UP + SWITCHES)
			switches->end_ns = now_ns();
		sched_yield();
	}
}

static bool have_switched(void *unused)
{
	return __atomic_load_n(&switches->end_ns, __ATOMIC_RELAXED);
}

/* In thousandths of an instruction, or 0 if it was not to be had. */
unsigned long long switch_cost_ps(void)
{
	pid_t pids[YIELDERS];
	int i;

	sleep_ms(SETTLE_MS);
	switches = mmap(NULL, sizeof(*switches), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (switches == MAP_FAILED)
		give_up("no memory to count in");
	for (i = 0; i < YIELDERS; i++) {
		pids[i] = fork();
		if (pids[i] < 0)
			give_up("fork failed");
		if (!pids[i])
			yield_on();
	}
	check(wait_for(have_switched, NULL, 120), "tasks yield to each other");
	end_children(pids, YIELDERS);
	return (switches->end_ns - switches->begin_ns) * 1000 / SWITCHES;
}
