// SPDX-License-Identifier: GPL-2.0-only
/* Thousands of threads of one process that spin and count: a crowd that costs little memory. */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab.h"

#define MAX_CROWD	4096
#define STACK_BYTES	16384

/**
 * struct crowd - in memory shared with the process
 * @open: the threads may begin; a futex
 * @ready: number of threads that wait for it
 * @turns: of each thread's loop
 */
static struct crowd {
	unsigned int open, ready;
	unsigned long turns[MAX_CROWD];
} *crowd;

static pid_t process;
static int nr;

static void *spin(void *turns)
{
	__atomic_fetch_add(&crowd->ready, 1, __ATOMIC_RELAXED);
	while (!__atomic_load_n(&crowd->open, __ATOMIC_ACQUIRE))
		syscall(SYS_futex, &crowd->open, FUTEX_WAIT, 0, NULL, NULL, 0);
	for (;;)
		__atomic_fetch_add((unsigned long *)turns, 1, __ATOMIC_RELAXED);
	return NULL;
}

static void __noreturn gather(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	int i;

	pthread_attr_init(&attr);
	if (pthread_attr_setstacksize(&attr, STACK_BYTES) || pthread_attr_setguardsize(&attr, 0))
		_exit(1);
	for (i = 0; i < nr; i++)
		if (pthread_create(&thread, &attr, spin, &crowd->turns[i]))
			_exit(1);
	for (;;)
		pause();
}

static bool is_ready(void *unused)
{
	if (waitpid(process, NULL, WNOHANG) == process)
		give_up("the crowd's process has ended");
	return __atomic_load_n(&crowd->ready, __ATOMIC_RELAXED) == (unsigned int)nr;
}

/* The threads, their process first. Returns how many there are. */
static int list_threads(pid_t *pids, int max)
{
	char path[64];
	struct dirent *d;
	int count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", process);
	dir = opendir(path);
	while (dir && (d = readdir(dir)))
		if (isdigit(*d->d_name) && count < max)
			pids[count++] = atoi(d->d_name);
	if (dir)
		closedir(dir);
	return count;
}

/* The affinity of each thread. */
void crowd_pin(int first, int count)
{
	static pid_t pids[MAX_CROWD + 1];
	int i, threads = list_threads(pids, ARRAY_SIZE(pids));

	for (i = 0; i < threads; i++)
		pin_to_range(pids[i], first, count);
}

/* How many of the threads are on the run queue of @cpu? */
int crowd_on(int cpu)
{
	static pid_t pids[MAX_CROWD + 1];
	int i, on = 0, threads = list_threads(pids, ARRAY_SIZE(pids));

	for (i = 0; i < threads; i++)
		on += pids[i] != process && task_cpu_of(pids[i]) == cpu;
	return on;
}

/*
 * They begin to spin on @cpu, all of them, and then may run on all others of its node
 * behind it.
 */
void crowd_begin(int count, int cpu)
{
	if (count > MAX_CROWD)
		give_up("too large a crowd");
	crowd = map_shared(sizeof(*crowd));
	nr = count;
	process = start_child("crowd");
	if (!process)
		gather();
	if (!wait_for(is_ready, NULL, 300))
		give_up("of the crowd only %u threads are ready", crowd->ready);
	crowd_pin(cpu, 1);
	__atomic_store_n(&crowd->open, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &crowd->open, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
	crowd_pin(cpu, CPUS_PER_NODE - cpu % CPUS_PER_NODE);
}

/* Do all threads run within @seconds? */
bool crowd_progress(unsigned int seconds)
{
	static unsigned long before[MAX_CROWD];
	double begin = now();
	int i, left;

	for (i = 0; i < nr; i++)
		before[i] = __atomic_load_n(&crowd->turns[i], __ATOMIC_RELAXED);
	do {
		sleep_ms(50);
		for (i = 0, left = 0; i < nr; i++)
			left += __atomic_load_n(&crowd->turns[i], __ATOMIC_RELAXED) == before[i];
	} while (left && now() < begin + seconds);
	info("%d of %d threads have run within %.1f s", nr - left, nr, now() - begin);
	return !left;
}

void crowd_end(void)
{
	end_children(&process, 1);
	munmap(crowd, sizeof(*crowd));
	nr = 0;
}
