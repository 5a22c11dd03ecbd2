// SPDX-License-Identifier: GPL-2.0-only
/* Pairs of tasks that wake each other all the time, and how long a round takes at worst. */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "lab.h"

/* of two tasks each */
#define MAX_PAIRS	8
/* rounds at full speed between two short sleeps */
#define BURST		5
#define PAUSE_US	2000

/**
 * struct pair - in memory shared with its tasks
 * @begun_ns: when the present round has begun, 0 between rounds
 * @worst_ns: the longest round since pairs_reset()
 * @rounds: number of rounds
 */
struct pair {
	unsigned long long begun_ns, worst_ns;
	unsigned long rounds;
};

static struct pair *pairs;
static pid_t pids[2 * MAX_PAIRS];
static int nr;

static void __noreturn answer(int from, int to)
{
	char byte;

	while (read(from, &byte, 1) == 1 && write(to, &byte, 1) == 1)
		;
	_exit(0);
}

static void __noreturn ask(struct pair *pair, int to, int from)
{
	char byte = 0;

	for (;;) {
		unsigned long long begin = now_ns(), took;

		__atomic_store_n(&pair->begun_ns, begin, __ATOMIC_RELAXED);
		if (write(to, &byte, 1) != 1 || read(from, &byte, 1) != 1)
			_exit(0);
		took = now_ns() - begin;
		__atomic_store_n(&pair->begun_ns, 0, __ATOMIC_RELAXED);
		if (took > __atomic_load_n(&pair->worst_ns, __ATOMIC_RELAXED))
			__atomic_store_n(&pair->worst_ns, took, __ATOMIC_RELAXED);
		if (!(__atomic_add_fetch(&pair->rounds, 1, __ATOMIC_RELAXED) % BURST))
			usleep(PAUSE_US);
	}
}

/* Not on the last CPU of a node, where others are piled up: there they would wait anyway. */
static int keep_off_the_pile(void)
{
	cpu_set_t set;
	int cpu;

	CPU_ZERO(&set);
	for (cpu = 0; cpu < GUEST_CPUS; cpu++)
		if (cpu % CPUS_PER_NODE != CPUS_PER_NODE - 1)
			CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

static pid_t start(void)
{
	pid_t pid = start_child("pair");

	if (!pid && keep_off_the_pile())
		_exit(1);
	return pid;
}

void pairs_begin(int count)
{
	int i, forth[2], back[2];

	if (count > MAX_PAIRS)
		give_up("too many pairs");
	pairs = map_shared(MAX_PAIRS * sizeof(*pairs));
	for (i = 0, nr = 0; i < count; i++) {
		if (pipe(forth) || pipe(back))
			give_up("no pipe");
		pids[nr] = start();
		if (!pids[nr++])
			answer(forth[0], back[1]);
		pids[nr] = start();
		if (!pids[nr++])
			ask(&pairs[i], forth[1], back[0]);
		close(forth[0]);
		close(forth[1]);
		close(back[0]);
		close(back[1]);
	}
}

unsigned long pairs_rounds(void)
{
	unsigned long sum = 0;
	int i;

	for (i = 0; i < nr / 2; i++)
		sum += __atomic_load_n(&pairs[i].rounds, __ATOMIC_RELAXED);
	return sum;
}

void pairs_reset(void)
{
	int i;

	for (i = 0; i < nr / 2; i++)
		__atomic_store_n(&pairs[i].worst_ns, 0, __ATOMIC_RELAXED);
}

/* The longest round of all pairs since then; those that have not ended count as well. */
double pairs_worst_ms(void)
{
	unsigned long long worst = 0, end = now_ns();
	int i;

	for (i = 0; i < nr / 2; i++) {
		unsigned long long took = __atomic_load_n(&pairs[i].worst_ns, __ATOMIC_RELAXED);
		unsigned long long begun = __atomic_load_n(&pairs[i].begun_ns, __ATOMIC_RELAXED);

		if (begun && begun < end && end - begun > took)
			took = end - begun;
		if (took > worst)
			worst = took;
	}
	return worst / 1e6;
}

void pairs_end(void)
{
	end_children(pids, nr);
	nr = 0;
	munmap(pairs, MAX_PAIRS * sizeof(*pairs));
}
