// SPDX-License-Identifier: GPL-2.0-only
/*
 * unloadhog: a real-time task takes the CPU of a task that is inside an RCU read-side
 * section, and the module is unloaded at this moment. It waits for RCU, which waits for that
 * task: so until the queues are empty other CPUs must take what waits on them.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab.h"

#define READER		"scx_bypass_reader"
#define HOG_CPU		3
#define UNLOAD_CPU	6
#define ROUNDS		3
/* of the host; the hog would spin for ever */
#define UNLOAD_SECONDS	60

/* the hog spins */
static int *spins;

static pid_t start(void (*run)(void), const char *name)
{
	pid_t pid = start_child(name);

	if (!pid) {
		run();
		_exit(1);
	}
	return pid;
}

static void be_real_time(int cpu)
{
	const struct sched_param prio = { .sched_priority = 50 };

	if (pin_to(cpu, cpu) || sched_setscheduler(0, SCHED_FIFO, &prio))
		_exit(1);
}

/* On the hog's CPU, from which other CPUs may take it. */
static void read_long_under_rcu(void)
{
	int fd = open("/proc/" READER, O_WRONLY);

	pin_to(HOG_CPU, HOG_CPU);
	pin_to_range(0, 0, CPUS_PER_NODE);
	if (fd >= 0 && write(fd, "1", 1) == 1)
		_exit(0);
}

static void unload(void)
{
	be_real_time(UNLOAD_CPU);
	while (!__atomic_load_n(spins, __ATOMIC_ACQUIRE))
		;
	_exit(-unload_module(MODULE));
}

static void spin(void)
{
	be_real_time(HOG_CPU);
	/* it wakes up, and preempts what runs there */
	usleep(200000);
	__atomic_store_n(spins, 1, __ATOMIC_RELEASE);
	for (;;)
		;
}

static bool has_ended(void *pid)
{
	siginfo_t info = { };

	return !waitid(P_PID, *(pid_t *)pid, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid;
}

static void unload_beside_a_hog(int round)
{
	pid_t reader, hog, unloads;
	int status = 0;
	bool ended;

	module_load("");
	must_attach(SCHED_GLOBAL);
	__atomic_store_n(spins, 0, __ATOMIC_RELAXED);
	reader = start(read_long_under_rcu, "reader");
	sleep_ms(200);
	hold_bypass(true);
	unloads = start(unload, "unload");
	hog = start(spin, "hog");
	ended = wait_for(has_ended, &unloads, UNLOAD_SECONDS);
	check(ended, "round %d: the module is unloaded while the hog spins", round);
	end_children(&hog, 1);
	kill(reader, SIGKILL);
	waitpid(reader, NULL, 0);
	check(waitpid(unloads, &status, 0) == unloads && !status, "round %d: rmmod (%s)", round,
	      strerror(WEXITSTATUS(status)));
	hold_bypass(false);
	sched_must_go();
}

static void case_unloadhog(bool module)
{
	int i;

	hogs_may_run();
	spins = mmap(NULL, sizeof(*spins), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (spins == MAP_FAILED)
		give_up("no memory");
	load_test_module();
	must_load(READER, "");
	for (i = 0; i < ROUNDS * test_times; i++)
		unload_beside_a_hog(i);
	must_unload(READER);
}

CASE(unloadhog) = {
	.shows = "rmmod while a real-time task has the CPU of an RCU reader: it ends all the same",
	.machines = "preemptible",
};
