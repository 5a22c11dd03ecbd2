// SPDX-License-Identifier: GPL-2.0-only
/*
 * plug: CPUs are plugged in that were not there when the module was loaded, in bypass and under a
 * scheduler, and one is taken out. All CPUs of a node come so: before, nobody knows whose they are.
 */
#include "lab.h"

#define TASKS	60
#define RUN_MS	3000
#define PASS_US	"4000"
/* a task that runs on the CPU that the real-time task takes waits as on the stock kernel */
#define LOST	1
#define HOG_CPU	(CPUS_PER_NODE + 1)

static void plug(int cpu, const char *when)
{
	check(plug_cpu(cpu, true), "%s: CPU %d is plugged in", when, cpu);
	check(!set_cpu_online(cpu, true), "%s: and goes up", when);
	check(all_progress(120), "%s: then all tasks run", when);
}

/* In bypass: under this scheduler the kernel's own workers wait long. */
static void unplug(int cpu)
{
	check(plug_cpu(cpu, false), "CPU %d is taken out", cpu);
	check(all_progress(120), "then all tasks run");
}

static bool all_have_tasks(void *unused)
{
	int cpu;

	for (cpu = CPUS_PER_NODE; cpu < GUEST_CPUS; cpu++)
		if (!queue_length(cpu))
			return false;
	return true;
}

/* A pass of node 1 counts as many CPUs as it has. */
static bool pass_has_all_cpus(void *unused)
{
	static struct pass_event passes[MAX_PASSES];
	int nr = read_passes(passes, MAX_PASSES);

	while (nr--)
		if (passes[nr].node == 1 && (int)passes[nr].nr_cpus == CPUS_PER_NODE)
			return true;
	return false;
}

static void check_node(void)
{
	trace_passes(true);
	check(wait_for(pass_has_all_cpus, NULL, 120), "a pass of their node counts them all");
	trace_passes(false);
	check(wait_for(all_have_tasks, NULL, 120), "the tasks of its first CPU are spread over it");
	report_queues("of the plugged CPUs");
}

static void case_plug(bool module)
{
	struct waits waits;
	pid_t hog;
	int cpu;

	/* those that may come, too */
	nr_cpus = GUEST_CPUS;
	hogs_may_run();
	load_test_module();
	if (module)
		module_load("bypass_lb_intv_us=" PASS_US);
	must_attach(SCHED_PILE);
	spawn(TASKS, 0, NULL);
	must_progress(120, "under the scheduler");
	hold_bypass(true);
	plug(CPUS_PER_NODE, "in bypass");
	hold_bypass(false);
	for (cpu = CPUS_PER_NODE + 1; cpu < GUEST_CPUS; cpu++)
		plug(cpu, "under the scheduler");

	spawn(TASKS, 1, NULL);
	must_progress(120, "under the scheduler");
	/* away from the CPUs that are looked at */
	pin_to(0, 0);
	hold_bypass(true);
	if (module)
		check_node();
	hog = hog_begin(HOG_CPU, HOG_PRIO);
	waits = watch_tasks(RUN_MS);
	check(waits.stuck <= LOST, "a real-time task takes CPU %d: %d tasks make no step", HOG_CPU,
	      waits.stuck);
	end_children(&hog, 1);

	unplug(GUEST_CPUS - 1);
	/* the status file does not list it any more */
	nr_cpus = GUEST_CPUS - 1;
	hold_bypass(false);
	check(!read_long(TEST_PARAM("deaf")), "irq_work is done on each CPU");
	account_for_all(module);
}

CASE(plug) = {
	.shows =
		"CPUs that were not there when the module was loaded are plugged in, and one is taken out: they get tasks, and all tasks run",
	.variants = "control module",
	.machines = "plugged",
	.targets = "named",
};
