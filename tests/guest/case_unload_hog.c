// SPDX-License-Identifier: GPL-2.0-only
/*
 * unloadhog: a real-time task takes the CPU of a task that is inside an RCU read-side
 * section, and the module is unloaded at this moment. It waits for RCU, which waits for that
 * task: so until the queues are empty other CPUs must take what waits on them. When the hooks
 * are inactive the hog ends: the rest of the unload waits for an RCU-tasks grace period, so for
 * each task that is bound to the hog's CPU and runnable.
 *
 * In every second round each CPU of the node has another task, and the real-time task
 * preempts that one. The reader waits; the kernel picks it, and puts it on the CPU's local
 * DSQ, before it sees that the real-time task comes first.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab.h"

#define READER		"scx_bypass_reader"
#define HOG_CPU		3
#define UNLOAD_CPU	6
#define ROUNDS		4
/* the driver stays away from all of these */
#define DRIVER_CPU	4
#define DRIVER_CPUS	2
/* of the host, until the hog has its CPU */
#define HOG_SECONDS	120
/* of the host; the hog would spin for ever */
#define UNLOAD_SECONDS	240
/* of the host, for the reader without the module; it needs 1 of the guest */
#define STOCK_SECONDS	8
#define SETTLE_MS	50

/* shared by all tasks: the hog is to be woken, and it spins */
static struct {
	int wake;
	int spins;
} *hog_state;

/* the hog sleeps until something comes out of it */
static int hog_pipe[2];

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
	if (pin_to(cpu, cpu) || set_priority(0, HOG_PRIO))
		_exit(1);
}

static void read_long_under_rcu(void)
{
	int fd = open("/proc/" READER, O_WRONLY);

	pin_to_range(0, 0, CPUS_PER_NODE);
	if (fd >= 0 && write(fd, "1", 1) == 1)
		_exit(0);
}

static void unload(void)
{
	be_real_time(UNLOAD_CPU);
	while (!flag_is_set(&hog_state->spins))
		;
	_exit(-unload_module(MODULE));
}

static void spin(void)
{
	char c;

	be_real_time(HOG_CPU);
	/* it wakes up, and preempts what runs there */
	if (read(hog_pipe[0], &c, 1) != 1)
		_exit(1);
	__atomic_store_n(&hog_state->spins, 1, __ATOMIC_RELEASE);
	for (;;)
		;
}

/* Wake the hog; on its CPU, if it is to preempt the caller. */
static void wake_hog(void)
{
	if (write(hog_pipe[1], "", 1) != 1)
		_exit(1);
}

/* On the node's other CPUs. */
static int stay_off_hog_cpu(int index)
{
	return pin_to(index % HOG_CPU, index % HOG_CPU);
}

static void wake_hog_when_told(void)
{
	pin_to(HOG_CPU, HOG_CPU);
	while (!flag_is_set(&hog_state->wake))
		;
	wake_hog();
	for (;;)
		;
}

static bool log_says_inactive(void *unused)
{
	return kernel_log_has(MODULE ": hooks inactive");
}

/* Where the hog will be, from where other CPUs may take it. */
static void send_to_hog_cpu(pid_t pid)
{
	pin_to_range(pid, HOG_CPU, 1);
	pin_to_range(pid, 0, CPUS_PER_NODE);
}

/*
 * The node's other CPUs have two tasks each, because one that has only the task that it runs
 * takes a task from another CPU. One task is on the hog's CPU, and wakes the hog.
 */
static pid_t crowd_the_node(void)
{
	spawn(2 * HOG_CPU, 0, stay_off_hog_cpu);
	return start(wake_hog_when_told, "rival");
}

/**
 * struct beside_hog - the tasks that run beside the hog
 * @reader: is inside an RCU read-side section
 * @hog: has taken a CPU
 * @rival: had it before, or 0
 */
struct beside_hog {
	pid_t reader, hog, rival;
};

static bool has_ended(void *pid)
{
	siginfo_t info = { };

	return !waitid(P_PID, *(pid_t *)pid, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid;
}

/* @unloads: a task that waits for the hog to spin is started before that. */
static struct beside_hog begin_round(int round, pid_t *unloads)
{
	struct beside_hog tasks = { };

	must_attach(SCHED_GLOBAL);
	hog_state->wake = 0;
	hog_state->spins = 0;
	if (round % 2)
		tasks.rival = crowd_the_node();
	pin_to_range(0, DRIVER_CPU, DRIVER_CPUS);
	tasks.reader = start(read_long_under_rcu, "reader");
	tasks.hog = start(spin, "hog");
	sleep_ms(SETTLE_MS);
	hold_bypass(true);
	send_to_hog_cpu(tasks.reader);
	if (unloads)
		*unloads = start(unload, "unload");
	sleep_ms(SETTLE_MS);
	if (tasks.rival)
		__atomic_store_n(&hog_state->wake, 1, __ATOMIC_RELEASE);
	else
		wake_hog();
	if (!wait_for(flag_is_set, &hog_state->spins, HOG_SECONDS))
		give_up("the hog does not spin");
	check(!has_ended(&tasks.reader), "round %d: the reader reads as the hog begins", round);
	return tasks;
}

static void end_tasks(struct beside_hog *tasks)
{
	end_children(&tasks->hog, 1);
	end_children(&tasks->reader, 1);
	if (tasks->rival) {
		end_children(&tasks->rival, 1);
		kill_tasks();
	}
}

static void end_round(void)
{
	pin_to_range(0, 0, GUEST_CPUS);
	hold_bypass(false);
	sched_must_go();
}

static void unload_beside_a_hog(int round)
{
	struct beside_hog tasks;
	int status = 0;
	pid_t unloads;

	clear_kernel_log();
	module_load("");
	tasks = begin_round(round, &unloads);
	check(wait_for(log_says_inactive, NULL, UNLOAD_SECONDS),
	      "round %d: the hooks become inactive while the hog spins", round);
	end_tasks(&tasks);
	check(waitpid(unloads, &status, 0) == unloads && !status, "round %d: rmmod (%s)", round,
	      strerror(WEXITSTATUS(status)));
	end_round();
}

/* What becomes of the reader on the stock kernel. It is not for long enough for a stall. */
static void read_beside_a_hog(int round)
{
	struct beside_hog tasks = begin_round(round, NULL);
	bool ended = wait_for(has_ended, &tasks.reader, STOCK_SECONDS);

	info("round %d: beside the hog the reader %s", round, ended ? "ends" : "does not end");
	end_tasks(&tasks);
	end_round();
}

static void case_unloadhog(bool module)
{
	int i;

	hogs_may_run();
	hog_state = map_shared(sizeof(*hog_state));
	if (pipe(hog_pipe))
		give_up("no pipe");
	load_test_module();
	must_load(READER, "");
	for (i = 0; i < ROUNDS * test_times; i++) {
		if (module)
			unload_beside_a_hog(i);
		else
			read_beside_a_hog(i);
	}
	must_unload(READER);
}

CASE(unloadhog) = {
	.shows =
		"rmmod while a real-time task has the CPU of an RCU reader: the hooks become inactive all the same",
	.variants = "control module",
	.machines = "preemptible",
};
