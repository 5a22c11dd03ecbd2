// SPDX-License-Identifier: GPL-2.0-only
/* What a machine does while its scheduler comes or goes. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

/* how long tasks run before the trigger */
#define WARM_UP_MS	100
#define PROGRAM_MS	500
#define NR_GROUPS	20
#define STACK_SIZE	4096

static struct shared {
	int go;
	int nr_made;
} *shared;

static pid_t *pids;
static int nr_pids, nr_others;

static void __noreturn spin(int index)
{
	for (;;)
		spin_slowly();
}

/* In groups that each have an eighth of the machine, at another place. */
static void __noreturn spin_in_group(int index)
{
	if (pin_to_range(0, index % NR_GROUPS * nr_cpus / NR_GROUPS, nr_cpus / 8 ?: 1))
		_exit(1);
	spin(index);
}

static const struct bench_load loads[] = {
	{ "skew", LOAD_WAITS, SCHED_PILE, TRIGGER_DISABLE, spin },
	{ "piles", LOAD_WAITS, SCHED_PILE, TRIGGER_DISABLE, spin, .both_nodes = true },
	{ "threads", LOAD_THREADS, SCHED_PILE, TRIGGER_DISABLE, spin },
	{ "fork", LOAD_FORKS, SCHED_PILE, TRIGGER_DISABLE, spin },
	{ "pinned", LOAD_WAITS, SCHED_GLOBAL, TRIGGER_DISABLE, spin_in_group },
	{ "lone", LOAD_WAITS, SCHED_PILE, TRIGGER_DISABLE, spin, .has_lone = true },
	{ "switch", LOAD_WAITS, SCHED_PILE, TRIGGER_SWITCH, spin },
	{ "enable", LOAD_WAITS, SCHED_BRIEF, TRIGGER_ENABLE, spin },
	{ "hackbench", LOAD_PROGRAM, SCHED_PILE, TRIGGER_DISABLE, .program = run_hackbench },
	{ "stress", LOAD_PROGRAM, SCHED_PILE, TRIGGER_DISABLE, .program = run_stress },
};

const struct bench_load *bench_load(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(loads); i++)
		if (!strcmp(loads[i].name, name))
			return &loads[i];
	give_up("no load is called '%s'", name);
}

/* Returns true in the child. */
bool load_start_child(void)
{
	pid_t pid = start_child("load");

	if (pid) {
		pids[nr_pids++] = pid;
		return false;
	}
	setpgid(0, 0);
	return true;
}

static void wait_for_go(unsigned int us)
{
	while (!__atomic_load_n(&shared->go, __ATOMIC_ACQUIRE))
		usleep(us);
}

static int begin_thread(void *index)
{
	bench_load("threads")->task((long)index);
	return 0;
}

/*
 * Makes threads, which have no memory of their own and no page faults. Above
 * them, or it would wait in one queue with those that it has made already.
 */
static void __noreturn make_threads(int tasks)
{
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			  CLONE_SYSVSEM;
	const struct sched_param above = { .sched_priority = 49 };
	size_t size = (size_t)tasks * STACK_SIZE;
	char *stacks = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	long i;

	if (stacks == MAP_FAILED ||
	    sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &above))
		_exit(1);
	wait_for_go(1000);
	for (i = 0; i < tasks; i++)
		if (clone(begin_thread, stacks + (i + 1) * STACK_SIZE, flags, (void *)i) < 0)
			_exit(1);
	__atomic_store_n(&shared->nr_made, tasks, __ATOMIC_RELEASE);
	for (;;)
		pause();
}

static void start_processes(const struct bench_load *load, int tasks)
{
	int i;

	for (i = 0; i < tasks; i++) {
		if (!load_start_child())
			continue;
		if (load->kind == LOAD_WAITS)
			wait_for_go(20000);
		load->task(i);
	}
}

/* Before the scheduler comes. */
void load_start(const struct bench_load *load, int tasks)
{
	if (!shared) {
		shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		pids = calloc(tasks + 8, sizeof(*pids));
		if (shared == MAP_FAILED || !pids)
			give_up("no memory for the load");
	}
	nr_pids = 0;
	memset(shared, 0, sizeof(*shared));
	gaps_start(load->has_lone);
	nr_others = nr_pids;

	if (load->kind == LOAD_WAITS)
		start_processes(load, tasks);
	if (load->kind == LOAD_THREADS && load_start_child())
		make_threads(tasks);
	if (load->kind == LOAD_PROGRAM && load_start_child()) {
		load->program(tasks);
		_exit(1);
	}
}

static void set_cpus(pid_t pid, const cpu_set_t *cpus)
{
	if (sched_setaffinity(pid, sizeof(*cpus), cpus))
		give_up("cannot set the CPUs of a task");
}

/* All of the load on CPU 0, and free to go: to each CPU that no other task has alone. */
static void pile_up(const struct bench_load *load)
{
	cpu_set_t piles[2], all;
	int i, half = nr_cpus / 2;

	for (i = 0; i < 2; i++) {
		CPU_ZERO(&piles[i]);
		CPU_SET(load->both_nodes ? i * half : 0, &piles[i]);
	}
	CPU_ZERO(&all);
	for (i = 0; i < nr_cpus; i++)
		if (!load->has_lone || (i != half - 1 && i != nr_cpus - 1))
			CPU_SET(i, &all);
	for (i = nr_others; i < nr_pids; i++)
		set_cpus(pids[i], &piles[i % 2]);
	for (i = nr_others; i < nr_pids; i++)
		set_cpus(pids[i], &all);
}

static bool threads_are_made(void *tasks)
{
	return __atomic_load_n(&shared->nr_made, __ATOMIC_ACQUIRE) == *(int *)tasks;
}

/* When it is there, if it is to be there. */
void load_release(const struct bench_load *load, int tasks)
{
	__atomic_store_n(&shared->go, 1, __ATOMIC_RELEASE);
	switch (load->kind) {
	case LOAD_WAITS:
		sleep_ms(WARM_UP_MS);
		if (load->which == SCHED_PILE)
			pile_up(load);
		break;
	case LOAD_FORKS:
		start_processes(load, tasks);
		break;
	case LOAD_THREADS:
		if (!wait_for(threads_are_made, &tasks, 60))
			give_up("the threads were not made");
		break;
	case LOAD_PROGRAM:
		sleep_ms(PROGRAM_MS);
		break;
	}
}

/* A program's tasks are in its process group. */
void load_kill(void)
{
	int i;

	for (i = 0; i < nr_pids; i++)
		kill(-pids[i], SIGKILL);
}

void load_stop(void)
{
	load_kill();
	end_children(pids, nr_pids);
}
