// SPDX-License-Identifier: GPL-2.0-only
/*
 * unload: rmmod while hundreds of tasks wait on the bypass DSQs and CPUs go down and come
 * up, with the backends that put the kernel's functions back at once; and while a task of
 * lower priority is in the middle of entering bypass.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab.h"

/*
 * For each CPU of the node. In the suite, which also runs on busy machines: a thread that
 * waits for 30 s is a reason for the kernel to remove the scheduler. And in the long form.
 */
#define CROWD		75
#define LONG_CROWD	500
#define SPINNERS	40
#define INTV_US		"100000"
/* so many are to wait on other CPUs' DSQs, and how often that is tried */
#define ENOUGH		20
#define TRIES		5
/* CPU 0 and the other node are for those who unload the module and take CPUs down */
#define CROWD_CPU	1
#define SPIN_CPU	1
#define SLOW		"scx_bypass_slow"
#define DRIVER_CPU	6

/* rmmod by a task like any other, away from the crowd. */
static pid_t start_unload(void)
{
	pid_t pid = start_child("unload");

	if (!pid) {
		pin_to_range(0, CPUS_PER_NODE, CPUS_PER_NODE);
		_exit(-unload_module(MODULE));
	}
	return pid;
}

static bool has_ended(pid_t pid, int *status)
{
	return waitpid(pid, status, WNOHANG) == pid;
}

/*
 * Has the drain left the DSQ of the first CPU, which has @first tasks? What comes back to it now
 * would be forgotten.
 */
static bool drains(void *first)
{
	return read_long("/sys/module/" SLOW "/parameters/hits") > *(int *)first;
}

/*
 * Each CPU in turn, down and up again, for as long as the unload lasts; first the one whose
 * tasks the unload comes to last.
 */
static int flip_until_unloaded(pid_t pid, int *status)
{
	int cpu = CPUS_PER_NODE - 1, flips = 0;

	do {
		if (!set_cpu_online(cpu, false)) {
			flips++;
			if (set_cpu_online(cpu, true))
				give_up("CPU %d does not come up", cpu);
		}
		cpu = cpu > 1 ? cpu - 1 : GUEST_CPUS - 1;
	} while (!has_ended(pid, status));
	return flips;
}

/* How many of the crowd wait on the DSQs of CPUs whose run queues they are not on? */
static int nr_elsewhere(void)
{
	int cpu, nr = 0;

	for (cpu = CROWD_CPU + 1; cpu < CPUS_PER_NODE; cpu++) {
		int more = queue_length(cpu) - crowd_on(cpu);

		if (more > 0)
			nr += more;
	}
	return nr;
}

/*
 * The crowd waits on one CPU, and a pass moves most of it to the DSQs of others. Before these have
 * run it, real-time tasks take all these CPUs.
 */
static int wait_elsewhere(const pid_t *hogs)
{
	unsigned long long moved;
	int tries = TRIES, nr;

	do {
		signal_children(hogs + CROWD_CPU, CPUS_PER_NODE - CROWD_CPU, SIGSTOP);
		must_write(PARAM("bypass_lb_intv_us"), "0");
		crowd_pin(CROWD_CPU, 1);
		crowd_pin(CROWD_CPU, CPUS_PER_NODE - CROWD_CPU);
		moved = node_status(0).moved;
		must_write(PARAM("bypass_lb_intv_us"), INTV_US);
		if (!wait_for(has_moved, &moved, 60))
			give_up("no pass moves the crowd");
		signal_children(hogs + CROWD_CPU, CPUS_PER_NODE - CROWD_CPU, SIGCONT);
		nr = nr_elsewhere();
	} while (nr < ENOUGH && --tries);
	return nr;
}

/*
 * The crowd begins in bypass: a scheduler would take it for stalled. Its threads belong to
 * one CPU, and have been moved to the DSQs of others. Real-time tasks keep them there until
 * the unload is in its drain, which takes long over each of them.
 */
static void against_hotplug(const char *backend)
{
	const int crowd = (test_times > 1 ? LONG_CROWD : CROWD) * CPUS_PER_NODE;
	int status = 0, flips, cpu, queued, first, elsewhere;
	pid_t hogs[GUEST_CPUS];
	char params[96];
	pid_t pid;

	snprintf(params, sizeof(params), "%s bypass_lb_intv_us=" INTV_US, backend);
	module_load(params);
	must_attach(SCHED_PILE);
	hold_bypass(true);
	crowd_begin(crowd, CROWD_CPU);
	check(crowd_progress(300), "%s: in bypass all threads run", backend);
	for (cpu = CROWD_CPU; cpu < CPUS_PER_NODE; cpu++) {
		hogs[cpu] = hog_begin(cpu, HOG_PRIO);
		kill(hogs[cpu], SIGSTOP);
	}

	elsewhere = wait_elsewhere(hogs);
	report_queues("of the crowd");
	check(elsewhere >= ENOUGH, "%s: %d of it are on another CPU's run queue", backend,
	      elsewhere);
	queued = total_queued();
	first = queue_length(CROWD_CPU);
	check(queued > crowd / 2, "%s: %d tasks wait on bypass DSQs", backend, queued);
	/* before it locks a run queue, which it does for each task that it moves */
	must_load(SLOW, "");
	pid = start_unload();
	check(wait_for(drains, &first, 300), "%s: the unload is in its drain", backend);
	end_children(hogs + CROWD_CPU, CPUS_PER_NODE - CROWD_CPU);
	flips = flip_until_unloaded(pid, &status);
	check(!status, "%s: rmmod (%s)", backend, strerror(WEXITSTATUS(status)));
	must_unload(SLOW);
	check(flips, "%s: meanwhile %d times a CPU went down and up", backend, flips);
	check(crowd_progress(120), "%s: without the module all threads run in bypass", backend);
	check(!read_long(TEST_PARAM("stale")), "%s: no task is on a bypass DSQ", backend);
	hold_bypass(false);
	sched_must_go();
	check(crowd_progress(300), "%s: and without the scheduler", backend);
	crowd_end();
}

/*
 * A task that enters and leaves bypass, in its turns among the others of its CPU. With a
 * scheduler scx_bypass() asks each CPU to schedule, its own too; so where a kernel is
 * preempted only where it may wait, the task is switched out behind it. With its nice
 * level it stays so for longer than an unload takes.
 */
static pid_t start_bypassing(void)
{
	pid_t pid = start_child("bypassing");

	if (!pid) {
		if (pin_to(SPIN_CPU, SPIN_CPU) || nice(19) == -1)
			_exit(1);
		for (;;) {
			hold_bypass(true);
			hold_bypass(false);
		}
	}
	return pid;
}

static void within_the_hook(const char *params)
{
	int round, seen = 0;
	pid_t pid;

	for (round = 0; round < test_times; round++) {
		module_load(params);
		/* all these tasks stay in the fair class */
		must_attach(SCHED_PARTIAL);
		spawn_on(SPINNERS, SPIN_CPU);
		pin_to(DRIVER_CPU, DRIVER_CPU);
		pid = start_bypassing();
		/* the moment that it is in */
		seen += wait_for(bypass_is_on, NULL, 300);
		module_unload();
		check(all_progress(300), "%s: unloaded while a task enters bypass, all tasks run",
		      params);
		end_children(&pid, 1);
		hold_bypass(false);
		kill_tasks();
		sched_must_go();
		pin_to_range(0, 0, nr_cpus);
	}
	check(seen, "%s: %d of %d times bypass was seen to be on", params, seen, round);
}

static void case_unload(bool module)
{
	bool ftrace = backend_would_load("ftrace");
	int i;

	/* its page faults are not what is tested */
	write_file("/proc/sys/kernel/numa_balancing", "0");
	hogs_may_run();
	load_test_module();
	/*
	 * Such a kernel's RCU-tasks wait for each task that was preempted, so a task in the middle
	 * of a hook is one of those that rmmod waits for, and so are all spinners: that takes long.
	 */
	if (kernel_is_preemptible() && test_times == 1) {
		skip("while a task enters bypass", "only in the long form of the case");
	} else {
		within_the_hook("backend=direct");
		if (ftrace)
			within_the_hook("backend=ftrace");
	}
	if (!ftrace)
		skip("backend=ftrace", "the module refuses it in this kernel");
	for (i = 0; i < test_times; i++) {
		if (ftrace)
			against_hotplug("backend=ftrace");
		against_hotplug("backend=direct");
	}
}

CASE(unload) = {
	.shows =
		"rmmod while CPUs go down and up and hundreds of tasks wait, and while another task is just entering bypass",
};
