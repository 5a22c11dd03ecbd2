// SPDX-License-Identifier: GPL-2.0-only
/* Storms over the tasks that have been spawned, and over short-lived ones. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab.h"
#include "storm.h"

#define NR_CGROUPS	3
#define NR_FORKS	8

static pid_t any_task(void)
{
	return task_pid(random_below(nr_tasks()));
}

static unsigned int set_affinity(pid_t pid)
{
	unsigned int bits = 1 + random_below((1 << GUEST_CPUS) - 1);
	cpu_set_t set;
	int cpu;

	CPU_ZERO(&set);
	for (cpu = 0; cpu < GUEST_CPUS; cpu++)
		if (bits & 1u << cpu)
			CPU_SET(cpu, &set);
	return !sched_setaffinity(pid, sizeof(set), &set);
}

static unsigned int affinity_once(void)
{
	return set_affinity(any_task());
}

const struct storm storm_affinity = {
	.name = "affinity", .once = affinity_once, .pause_us = 500, .processes = 2,
};

/* A task that spins above all others is given back its place at once. */
static unsigned int policy_once(void)
{
	static const int policies[] = { SCHED_EXT, SCHED_FIFO, SCHED_OTHER, SCHED_BATCH,
					SCHED_IDLE, SCHED_RR };
	const int policy = policies[random_below(ARRAY_SIZE(policies))];
	const bool realtime = policy == SCHED_FIFO || policy == SCHED_RR;
	const struct sched_param prio = { .sched_priority = realtime };
	pid_t pid = any_task();
	unsigned int done = !sched_setscheduler(pid, policy, &prio);

	if (realtime) {
		usleep(random_below(2000));
		done += !set_priority(pid, 0);
	}
	return done;
}

const struct storm storm_policy = {
	.name = "policy", .once = policy_once, .pause_us = 2000,
};

static unsigned int nice_once(void)
{
	return !setpriority(PRIO_PROCESS, any_task(), (int)random_below(40) - 20);
}

const struct storm storm_nice = {
	.name = "nice", .once = nice_once, .pause_us = 1000,
};

static unsigned int fork_once(void)
{
	unsigned int i, done = 0;

	for (i = 0; i < NR_FORKS; i++) {
		pid_t pid = fork();
		unsigned int calls = random_below(1000);

		if (!pid) {
			while (calls--)
				getppid();
			_exit(0);
		}
		done += pid > 0;
	}
	for (i = 0; i < done; i++)
		wait(NULL);
	return done;
}

const struct storm storm_fork = {
	.name = "fork", .once = fork_once, .pause_us = 5000, .processes = 2,
};

/* Two tasks wake each other, on whatever CPUs they are. */
static int to_partner[2], from_partner[2];
static pid_t partner;

static bool wake_begin(void)
{
	char byte = 0;

	if (pipe(to_partner) || pipe(from_partner))
		return false;
	partner = fork();
	if (!partner) {
		close(to_partner[1]);
		while (read(to_partner[0], &byte, 1) == 1 && write(from_partner[1], &byte, 1) == 1)
			;
		_exit(0);
	}
	return partner > 0 && !set_priority(0, 0);
}

static unsigned int wake_once(void)
{
	unsigned int rounds = 0;
	char byte = 0;

	set_affinity(random_below(2) ? partner : 0);
	while (rounds < 20 && write(to_partner[1], &byte, 1) == 1 &&
	       read(from_partner[0], &byte, 1) == 1)
		rounds++;
	return rounds;
}

static void wake_end(void)
{
	close(to_partner[1]);
	waitpid(partner, NULL, 0);
}

const struct storm storm_wake = {
	.name = "wake", .once = wake_once, .begin = wake_begin, .end = wake_end, .pause_us = 1000,
	.processes = 4,
};

static unsigned int ptrace_once(void)
{
	pid_t pid = any_task();
	unsigned int done = 0;
	int status;

	if (ptrace(PTRACE_SEIZE, pid, 0, 0))
		return 0;
	if (!ptrace(PTRACE_INTERRUPT, pid, 0, 0) && waitpid(pid, &status, __WALL) == pid) {
		usleep(random_below(2000));
		done = 1;
	}
	ptrace(PTRACE_DETACH, pid, 0, 0);
	return done;
}

const struct storm storm_ptrace = {
	.name = "ptrace", .once = ptrace_once, .pause_us = 5000,
};

/* Core scheduling: a cookie of its own, or the one of this process, which is none. */
static unsigned int cookie_once(void)
{
	int what = random_below(2) ? PR_SCHED_CORE_CREATE : PR_SCHED_CORE_SHARE_TO;

	return !prctl(PR_SCHED_CORE, what, any_task(), PR_SCHED_CORE_SCOPE_THREAD, 0);
}

static bool cookie_begin(void)
{
	unsigned long cookie;

	if (prctl(PR_SCHED_CORE, PR_SCHED_CORE_GET, 0, PR_SCHED_CORE_SCOPE_THREAD, &cookie))
		return false;
	must_write(WATCH_PARAM("cookies"), "Y");
	return true;
}

static void cookie_end(void)
{
	int i;

	for (i = 0; i < nr_tasks(); i++)
		prctl(PR_SCHED_CORE, PR_SCHED_CORE_SHARE_TO, task_pid(i),
		      PR_SCHED_CORE_SCOPE_THREAD, 0);
	must_write(WATCH_PARAM("cookies"), "N");
}

const struct storm storm_cookie = {
	.name = "cookie", .once = cookie_once, .begin = cookie_begin, .end = cookie_end,
	.pause_us = 5000,
};

#define CGROUPS	"/sys/fs/cgroup"

static int write_cgroup(int group, const char *file, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), CGROUPS "/storm%d/%s", group, file);
	return write_file(path, text);
}

static bool make_cgroups(const char *controller)
{
	char path[64], enable[32];
	int i;

	mkdir(CGROUPS, 0755);
	mount("cgroup2", CGROUPS, "cgroup2", 0, NULL);
	snprintf(enable, sizeof(enable), "+%s", controller);
	if (write_file(CGROUPS "/cgroup.subtree_control", enable))
		return false;
	for (i = 0; i < NR_CGROUPS; i++) {
		snprintf(path, sizeof(path), CGROUPS "/storm%d", i);
		if (mkdir(path, 0755) && errno != EEXIST)
			return false;
	}
	return true;
}

static bool cgroup_begin(void)
{
	return make_cgroups("cpu");
}

static unsigned int cgroup_once(void)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", any_task());
	return !write_cgroup(random_below(NR_CGROUPS), "cgroup.procs", text);
}

static void cgroup_end(void)
{
	char text[16];
	int i;

	for (i = 0; i < nr_tasks(); i++) {
		snprintf(text, sizeof(text), "%d", task_pid(i));
		write_file(CGROUPS "/cgroup.procs", text);
	}
}

const struct storm storm_cgroup = {
	.name = "cgroup move", .once = cgroup_once, .begin = cgroup_begin, .end = cgroup_end,
	.pause_us = 2000,
};

static unsigned int weight_once(void)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", 1 + random_below(10000));
	return !write_cgroup(random_below(NR_CGROUPS), "cpu.weight", text);
}

const struct storm storm_weight = {
	.name = "cpu.weight", .once = weight_once, .begin = cgroup_begin, .pause_us = 5000,
};

static bool cpuset_begin(void)
{
	return make_cgroups("cpuset");
}

static unsigned int cpuset_once(void)
{
	unsigned int first = random_below(GUEST_CPUS);
	char text[16];

	snprintf(text, sizeof(text), "%u-%u", first, first + random_below(GUEST_CPUS - first));
	return !write_cgroup(random_below(NR_CGROUPS), "cpuset.cpus", text);
}

static void cpuset_end(void)
{
	int i;

	for (i = 0; i < NR_CGROUPS; i++)
		write_cgroup(i, "cpuset.cpus", "\n");
}

const struct storm storm_cpuset = {
	.name = "cpuset", .once = cpuset_once, .begin = cpuset_begin, .end = cpuset_end,
	.pause_us = 5000,
};
