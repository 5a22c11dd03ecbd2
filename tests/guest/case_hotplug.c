// SPDX-License-Identifier: GPL-2.0-only
/*
 * hotplug: each CPU goes down and comes up again in bypass, while tasks that
 * the balancer has moved to it, or from it, have not been consumed yet; and one that is
 * long on its way down.
 * offline: how long it takes to go down, without the module and with it.
 */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab.h"

#define TASKS	120
/* so many that a CPU that receives its share does not run all of them at once */
#define MANY_TASKS	400
/* a CPU that goes down with tasks of another run queue */
#define LEAVING_CPU	1
#define LEAVING		"scx_bypass_leaving"
#define LEAVING_PARAM(name) "/sys/module/" LEAVING "/parameters/" name
#define SAMPLES	(GUEST_CPUS - 1)
/* what the module may add to what the kernel takes, of CONFIG_HZ=250 */
#define TICKS	2
#define TICK_MS	4
/* and what the noise of the machine may */
#define NOISE	3

static void set_online(int cpu, bool online)
{
	int ret = set_cpu_online(cpu, online);

	check(!ret, "CPU %d goes %s (%s)", cpu, online ? "up" : "down", strerror(-ret));
}

/* All tasks on the first CPU of each node, and the balancer just begins. */
static void pile_up_again(void)
{
	hold_bypass(false);
	must_progress(120, "under the scheduler");
	hold_bypass(true);
	/* the first pass */
	sleep_ms(10);
}

static bool many_moved(void *unused)
{
	return (int)node_status(0).moved > MANY_TASKS / CPUS_PER_NODE / 2;
}

/* A task that waits for a pass, and takes a CPU down at once that has received tasks. */
static pid_t start_taking_down(void)
{
	pid_t pid = start_child("take-down");

	if (!pid) {
		pin_to(GUEST_CPUS - 1, GUEST_CPUS - 1);
		if (set_priority(0, HOG_PRIO) || !wait_for(many_moved, NULL, 120))
			_exit(1);
		_exit(-set_cpu_online(LEAVING_CPU, false));
	}
	return pid;
}

static bool is_on_the_way(void *unused)
{
	return read_long(LEAVING_PARAM("leaving")) == LEAVING_CPU;
}

static bool has_no_tasks(void *unused)
{
	return !queue_length(LEAVING_CPU);
}

/*
 * A CPU that is going down may not run tasks of other run queues any more, and a pass
 * has just moved some to it. How long it takes is up to others: a grace period of RCU, and
 * the callbacks of drivers. Meanwhile other CPUs must take its tasks.
 */
static void long_on_its_way(void)
{
	int status = 0;
	bool taken;
	pid_t pid;

	module_load("bypass_lb_intv_us=0");
	/* its callback comes before that of the module, so it is loaded after that */
	must_load(LEAVING, "");
	pile_up_in_bypass(MANY_TASKS, false);
	pid = start_taking_down();
	must_write(PARAM("bypass_lb_intv_us"), "1000000");
	if (!wait_for(is_on_the_way, NULL, 60))
		give_up("CPU %d does not go down", LEAVING_CPU);
	report_queues("of a CPU on its way down");
	taken = wait_for(has_no_tasks, NULL, 120);
	check(taken, "other CPUs take the tasks of CPU %d (%d left)", LEAVING_CPU,
	      queue_length(LEAVING_CPU));
	must_write(LEAVING_PARAM("stay"), "0");
	check(waitpid(pid, &status, 0) == pid && !status, "and it goes down (%s)",
	      strerror(WEXITSTATUS(status)));
	check(all_progress(120), "without it all tasks run");
	set_online(LEAVING_CPU, true);
	hold_bypass(false);
	kill_tasks();
	sched_must_go();
	must_unload(LEAVING);
	module_unload();
}

static void case_hotplug(bool module)
{
	int cpu;

	load_test_module();
	long_on_its_way();
	module_load("bypass_lb_intv_us=4000");
	must_attach(SCHED_PILE);
	spawn(TASKS, 0, NULL);
	spawn(TASKS, 1, NULL);
	hold_bypass(true);

	for (cpu = 1; cpu < GUEST_CPUS; cpu++) {
		pile_up_again();
		check(total_queued() > TASKS && !sched_is_off(NULL), "%d tasks wait in bypass",
		      total_queued());
		set_online(cpu, false);
		check(all_progress(120), "without CPU %d all tasks run", cpu);
		set_online(cpu, true);
		check(all_progress(120), "with CPU %d again all tasks run", cpu);
		check(!read_long(TEST_PARAM("deaf")), "and irq_work is done on each CPU");
	}

	/* a whole node, and with it the CPU of its timer */
	pile_up_again();
	for (cpu = CPUS_PER_NODE; cpu < GUEST_CPUS; cpu++)
		set_online(cpu, false);
	check(all_progress(120), "without node 1 all tasks run");
	check(!has_nodes() || node_is_listed(1), "its counts are still in the status file");
	for (cpu = CPUS_PER_NODE; cpu < GUEST_CPUS; cpu++)
		set_online(cpu, true);
	check(all_progress(120), "with node 1 again all tasks run");

	hold_bypass(false);
	check(!total_queued(), "after bypass the bypass DSQs are empty");
	kill_tasks();
	sched_must_go();
	module_unload();
}

CASE(hotplug) = {
	.shows = "CPUs go down and up in bypass; others take the tasks of one that is slow",
};

/* Returns the median of the times, in ms. */
static double time_offline(const char *how)
{
	double took[SAMPLES];
	int cpu, nr = 0;

	for (cpu = 1; cpu < GUEST_CPUS; cpu++) {
		double begin;

		pile_up_again();
		begin = now();
		if (set_cpu_online(cpu, false))
			give_up("CPU %d does not go down", cpu);
		took[nr++] = (now() - begin) * 1e3;
		if (set_cpu_online(cpu, true))
			give_up("CPU %d does not come up", cpu);
	}
	sort_figures(took, nr);
	info("%s: a CPU goes down in %.0f ms (median), %.0f ms (worst)", how, took[nr / 2],
	     took[nr - 1]);
	return took[nr / 2];
}

static void case_offline(bool module)
{
	double without, with;

	load_test_module();
	must_attach(SCHED_PILE);
	spawn(TASKS / 4, 0, NULL);
	spawn(TASKS / 4, 1, NULL);
	without = time_offline("without the module");
	hold_bypass(false);
	module_load("bypass_lb_intv_us=4000");
	with = time_offline("with it");
	check(with <= NOISE * without + TICKS * TICK_MS,
	      "with the module a CPU goes down as fast as without it");
	account_for_all(module);
}

CASE(offline) = {
	.shows = "with the module a CPU goes down as fast as without it",
	.targets = "fire",
};
