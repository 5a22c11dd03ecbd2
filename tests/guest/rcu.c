// SPDX-License-Identifier: GPL-2.0-only
/* RCU: wait for a grace period; are its threads what they were? */
#define _GNU_SOURCE
#include <linux/membarrier.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lab.h"

#define MAX_THREADS	64

/* what there is to know of a thread */
struct rcu_thread {
	int policy, priority, nice;
	long weight;
	cpu_set_t cpus;
};

/* and what that was at first */
static struct {
	pid_t pid;
	char name[32];
	struct rcu_thread was;
} rcu[MAX_THREADS];
static int nr_rcu;

static struct rcu_thread look_at(pid_t pid)
{
	struct rcu_thread t = { .policy = sched_getscheduler(pid) };
	struct sched_param prio = { };

	sched_getparam(pid, &prio);
	t.priority = prio.sched_priority;
	t.nice = getpriority(PRIO_PROCESS, pid);
	t.weight = fair_weight_of(pid);
	sched_getaffinity(pid, sizeof(t.cpus), &t.cpus);
	return t;
}

/* What they are now is what they are to be later. */
void note_rcu_threads(void)
{
	pid_t pids[MAX_THREADS];
	int i, nr = find_tasks("rcu", pids, MAX_THREADS);

	nr_rcu = 0;
	for (i = 0; i < nr; i++) {
		char path[64], comm[32] = "";

		snprintf(path, sizeof(path), "/proc/%d/comm", pids[i]);
		if (!read_file(path, comm, sizeof(comm)))
			continue;
		rcu[nr_rcu].pid = pids[i];
		snprintf(rcu[nr_rcu].name, sizeof(rcu[nr_rcu].name), "%s", strtok(comm, "\n"));
		rcu[nr_rcu].was = look_at(rcu[nr_rcu].pid);
		nr_rcu++;
	}
	check(nr_rcu, "there are %d threads of RCU", nr_rcu);
}

void check_rcu_threads(const char *when)
{
	int i, changed = 0;

	for (i = 0; i < nr_rcu; i++) {
		struct rcu_thread t = look_at(rcu[i].pid), *was = &rcu[i].was;

		if (t.policy == was->policy && t.priority == was->priority &&
		    t.nice == was->nice && t.weight == was->weight &&
		    CPU_EQUAL(&t.cpus, &was->cpus))
			continue;
		info("%s: policy %d, priority %d, nice %d, weight %ld, %d CPUs", rcu[i].name,
		     t.policy, t.priority, t.nice, t.weight, CPU_COUNT(&t.cpus));
		info("it was %d, %d, %d, %ld, %d CPUs", was->policy, was->priority, was->nice,
		     was->weight, CPU_COUNT(&was->cpus));
		changed++;
	}
	check(!changed, "%s: RCU's threads are what they were", when);
}

/* In the kernel this is synchronize_rcu(). */
bool wait_for_grace_period(void)
{
	return !syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}
