// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tasks that spin and count, so that one sees whether each makes progress.
 * The driver itself runs as SCHED_FIFO, which is above sched_ext.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab.h"

static pid_t pids[MAX_TASKS];
static int nr;
static unsigned long *counters;

/* a child tells here that it is ready, and then waits for the gate to change */
static int ready[2];
static unsigned int *gate;

static void map_counters(void)
{
	if (counters)
		return;
	counters = map_shared((MAX_TASKS + 1) * sizeof(*counters));
	gate = (unsigned int *)&counters[MAX_TASKS];
}

/* Restrict the caller to CPUs @first and @second. */
int pin_to(int first, int second)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(first, &set);
	CPU_SET(second, &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

/* Restrict @pid, 0 for the caller, to @count CPUs from @first on, round the machine. */
int pin_to_range(pid_t pid, int first, int count)
{
	int all = nr_cpus;
	cpu_set_t set;

	CPU_ZERO(&set);
	while (count--)
		CPU_SET(first++ % all, &set);
	return sched_setaffinity(pid, sizeof(set), &set);
}

/*
 * Make @pid, 0 for the caller, a FIFO task of this priority, or an ordinary task if it is 0. As
 * sched_setscheduler().
 */
int set_priority(pid_t pid, int priority)
{
	const struct sched_param prio = { .sched_priority = priority };

	return sched_setscheduler(pid, priority ? SCHED_FIFO : SCHED_OTHER, &prio);
}

static void child(int index, int (*setup)(int index))
{
	unsigned int closed = __atomic_load_n(gate, __ATOMIC_RELAXED);
	char byte = 0;

	if (setup ? setup(index) : pin_to_range(0, 0, GUEST_CPUS))
		_exit(1);
	__atomic_store_n(&counters[index], 0, __ATOMIC_RELAXED);
	if (write(ready[1], &byte, 1) != 1)
		_exit(1);
	while (__atomic_load_n(gate, __ATOMIC_ACQUIRE) == closed)
		syscall(SYS_futex, gate, FUTEX_WAIT, closed, NULL, NULL, 0);
	for (;;)
		__atomic_fetch_add(&counters[index], 1, __ATOMIC_RELAXED);
}

/*
 * Start tasks on @node, which each run @setup first; without it they may run
 * on any CPU.
 *
 * They begin to spin when the last one is ready. If each had its first page
 * faults while others spin, they would queue for the lock of a shared page:
 * handed on once in a turn of the run queue, it takes minutes to go round. For
 * the same reason the gate is a futex, which has no lock to sleep on.
 */
void spawn(int count, int node, int (*setup)(int index))
{
	char byte;
	int i;

	map_counters();
	if (nr + count > MAX_TASKS)
		give_up("too many tasks");
	if (pipe2(ready, O_CLOEXEC))
		give_up("no pipe");
	/* a new task starts near its parent */
	pin_to_range(0, node * CPUS_PER_NODE, CPUS_PER_NODE);

	for (i = 0; i < count; i++, nr++) {
		pids[nr] = start_child("spin");
		if (!pids[nr])
			child(nr, setup);
		if (read(ready[0], &byte, 1) != 1)
			give_up("a task has not become ready");
	}
	__atomic_fetch_add(gate, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, gate, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
	close(ready[0]);
	close(ready[1]);
	pin_to_range(0, 0, GUEST_CPUS);
}

static int only_cpu;

static int on_only_cpu(int index)
{
	return pin_to(only_cpu, only_cpu);
}

/* As spawn(), for tasks that may run on @cpu only. */
void spawn_on(int count, int cpu)
{
	only_cpu = cpu;
	spawn(count, cpu / CPUS_PER_NODE, on_only_cpu);
}

int nr_tasks(void)
{
	return nr;
}

pid_t task_pid(int index)
{
	return pids[index];
}

/*
 * As fork(), for a child that does not outlive this process and does not keep the
 * scheduler loaded.
 */
pid_t start_child(const char *name)
{
	pid_t pid = fork();

	if (pid < 0)
		give_up("fork failed");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, name);
		sched_close_in_child();
	}
	return pid;
}

void signal_children(const pid_t *children, int count, int signal)
{
	int i;

	for (i = 0; i < count; i++)
		kill(children[i], signal);
}

void end_children(const pid_t *children, int count)
{
	int i;

	signal_children(children, count, SIGKILL);
	for (i = 0; i < count; i++)
		waitpid(children[i], NULL, 0);
}

void signal_tasks(int signal)
{
	signal_children(pids, nr, signal);
}

void kill_tasks(void)
{
	end_children(pids, nr);
	nr = 0;
}

/* The CPU whose run queue the task is on: field 39 of its stat file. */
int task_cpu_of(pid_t pid)
{
	char path[64], buf[1024], *field;
	int i, cpu = -1;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (!read_file(path, buf, sizeof(buf)))
		return -1;
	field = strrchr(buf, ')');
	for (i = 2; field && i < 39; i++)
		field = strchr(field + 1, ' ');
	if (field)
		cpu = atoi(field);
	return cpu;
}

/* How many of the tasks are on each CPU's run queue? Returns the most of one. */
int most_on_run_queue(void)
{
	int on[GUEST_CPUS] = {}, i, cpu, most = 0;

	for (i = 0; i < nr; i++) {
		cpu = task_cpu_of(pids[i]);
		if (cpu >= 0 && cpu < GUEST_CPUS)
			on[cpu]++;
	}
	info("on run queues: %d %d %d %d %d %d %d %d", on[0], on[1], on[2], on[3], on[4], on[5],
	     on[6], on[7]);
	for (i = 0; i < GUEST_CPUS; i++)
		most = on[i] > most ? on[i] : most;
	return most;
}

/* The turns of a task's loop. */
unsigned long work_of_task(int index)
{
	return __atomic_load_n(&counters[index], __ATOMIC_RELAXED);
}

/* The turns of all tasks' loops. */
unsigned long work_of_tasks(void)
{
	unsigned long sum = 0;
	int i;

	for (i = 0; i < nr; i++)
		sum += work_of_task(i);
	return sum;
}

/* Its state, and where in the kernel it is. */
void tell_task(pid_t pid)
{
	char path[64], buf[256] = "";

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	read_file(path, buf, sizeof(buf));
	info("%.80s", buf);
	snprintf(path, sizeof(path), "/proc/%d/stack", pid);
	read_file(path, buf, sizeof(buf));
	info("its stack: %s", strtok(buf, "\n"));
}

/* Tell how many tasks have not run since @before, and the state of one of them. */
static void tell_stuck(const unsigned long *before, int left, unsigned int seconds)
{
	int i = 0;

	info("%d of %d tasks have not run in %u s", left, nr, seconds);
	while (i < nr && work_of_task(i) != before[i])
		i++;
	if (i == nr)
		return;
	info("one of them, with count %lu:", before[i]);
	tell_task(pids[i]);
}

/* Do all tasks run within @seconds? */
bool all_progress(unsigned int seconds)
{
	static unsigned long before[MAX_TASKS];
	double start = now();
	int i, left = nr;

	for (i = 0; i < nr; i++)
		before[i] = work_of_task(i);

	while (left && now() < start + seconds) {
		sleep_ms(50);
		for (i = 0, left = 0; i < nr; i++)
			left += work_of_task(i) == before[i];
	}
	if (left)
		tell_stuck(before, left, seconds);
	else
		info("all %d tasks have run within %.2f s", nr, now() - start);
	return !left;
}

/* Without this there is nothing to test. */
void must_progress(unsigned int seconds, const char *where)
{
	if (!all_progress(seconds))
		give_up("%s: the tasks do not run", where);
}

/* What the fair class goes by. 0 on a kernel that does not say. */
long fair_weight_of(pid_t pid)
{
	char path[64], text[8192], *at;

	snprintf(path, sizeof(path), "/proc/%d/sched", pid);
	at = read_file(path, text, sizeof(text)) ? strstr(text, "se.load.weight") : NULL;
	at = at ? strchr(at, ':') : NULL;
	return at ? atol(at + 1) : 0;
}

/* The tasks whose name begins with @prefix. Returns how many of them are in @pids. */
int find_tasks(const char *prefix, pid_t *pids, int max)
{
	struct dirent *d;
	DIR *proc = opendir("/proc");
	int count = 0;

	while (proc && count < max && (d = readdir(proc))) {
		char path[300], comm[64];

		snprintf(path, sizeof(path), "/proc/%s/comm", d->d_name);
		if (atoi(d->d_name) > 0 && read_file(path, comm, sizeof(comm)) &&
		    !strncmp(comm, prefix, strlen(prefix)))
			pids[count++] = atoi(d->d_name);
	}
	if (proc)
		closedir(proc);
	return count;
}
