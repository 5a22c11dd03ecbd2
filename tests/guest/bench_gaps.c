// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tasks beside the load that look at the clock, to tell for how long they could
 * not: one like any other and two of real time, which sleep 1 ms and look, and
 * those that have a CPU of their own, which look all the time.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "bench.h"

#define BEAT_NS		1000000

enum { PROBE, FIFO_1, FIFO_50, LONE, NR_KINDS };

static const char * const names[NR_KINDS] = { "probe", "fifo1", "fifo50", "lone" };

static struct gaps {
	unsigned long long since_ns;	/* what was before does not count, 0 = nothing does */
	struct {
		unsigned long long seen_ns, longest_ns;
	} of[NR_KINDS + 1];		/* one lone task for each node */
} *gaps;

static void look(int which)
{
	unsigned long long time = now_ns(), since = gaps->since_ns;
	unsigned long long begin = gaps->of[which].seen_ns;

	gaps->of[which].seen_ns = time;
	if (!since)
		return;
	if (begin < since)
		begin = since;
	if (time > begin && time - begin > gaps->of[which].longest_ns)
		gaps->of[which].longest_ns = time - begin;
}

static void __noreturn beat(int which)
{
	for (;;) {
		look(which);
		nanosleep(&(struct timespec){ .tv_nsec = BEAT_NS }, NULL);
	}
}

static void __noreturn beat_in_real_time(int which, int priority)
{
	if (set_priority(0, priority))
		give_up("a probe cannot become SCHED_FIFO");
	beat(which);
}

/* A busy task that costs the others little: the emulator goes on to the next CPU. */
void spin_slowly(void)
{
	int turns = 16;

	__asm__ volatile("1: dec %0\n\tjnz 1b\n\tpause" : "+r" (turns) : : "cc");
}

static void __noreturn live_alone(int which, int cpu)
{
	pin_to_range(0, cpu, 1);
	for (;;) {
		look(which);
		spin_slowly();
	}
}

void gaps_start(bool has_lone)
{
	if (!gaps)
		gaps = mmap(NULL, sizeof(*gaps), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (gaps == MAP_FAILED)
		give_up("no memory for the probes");
	memset(gaps, 0, sizeof(*gaps));
	if (load_start_child())
		beat(PROBE);
	if (load_start_child())
		beat_in_real_time(FIFO_1, 1);
	if (load_start_child())
		beat_in_real_time(FIFO_50, 50);
	if (has_lone && load_start_child())
		live_alone(LONE, nr_cpus / 2 - 1);
	if (has_lone && load_start_child())
		live_alone(LONE + 1, nr_cpus - 1);
}

void gaps_measure(void)
{
	__atomic_store_n(&gaps->since_ns, now_ns(), __ATOMIC_RELEASE);
}

/* Until now; one of them may not have come back yet. */
void gaps_report(char *text, size_t size)
{
	int which, len = 0;

	for (which = 0; which <= NR_KINDS; which++)
		if (gaps->of[which].seen_ns)
			look(which);
	if (gaps->of[LONE + 1].longest_ns > gaps->of[LONE].longest_ns)
		gaps->of[LONE].longest_ns = gaps->of[LONE + 1].longest_ns;
	for (which = 0; which < NR_KINDS; which++)
		if (gaps->of[which].seen_ns)
			len += snprintf(text + len, size - len, " %s_us %llu", names[which],
					gaps->of[which].longest_ns / 1000);
}
