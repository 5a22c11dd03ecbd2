// SPDX-License-Identifier: GPL-2.0-only
/*
 * delivery: to which run queues tasks are delivered as bypass begins. Across nodes if one
 * of them is much fuller, and the task may go there; else within its node. A task does not go to
 * a node where it may run on some CPUs only: a real-time task may take just these.
 */
#include "lab.h"

#define TASKS		120
#define RUN_MS		2000
/* the kernel has picked it already when the real-time task comes, see case_hog.c */
#define LOST_TO_THE_HOG	1
/* no pass meanwhile */
#define PARAMS		"bypass_lb_intv_us=10000000"

/**
 * struct situation - tasks that are piled up on the first CPU of their node
 * @what: for messages
 * @on: how many there are on each node
 * @setup: what each does first, or NULL: it may run on any CPU
 * @cpus: how many CPUs share them
 * @strays: some are to change their node
 */
struct situation {
	const char *what;
	int on[2];
	int (*setup)(int index);
	int cpus;
	bool strays;
};

static int pin_to_node_0(int index)
{
	return pin_to_range(0, 0, CPUS_PER_NODE);
}

static const struct situation situations[] = {
	{ "one node has none", { TASKS, 0 }, NULL, GUEST_CPUS, true },
	{ "both nodes have as many", { TASKS / 2, TASKS / 2 }, NULL, GUEST_CPUS, false },
	{ "one node has none, and may have none", { TASKS, 0 }, pin_to_node_0, GUEST_CPUS / 2,
	  false },
};

static void deliver(const struct situation *s)
{
	int strays = 0, i, cpu, most;
	struct node_status status;

	module_load(PARAMS);
	must_attach(SCHED_PILE);
	for (i = 0; i < 2; i++)
		if (s->on[i])
			spawn(s->on[i], i, s->setup);
	must_progress(120, "under the scheduler");
	/* the driver keeps this CPU busy: others may serve its queue, and get its share */
	pin_to(GUEST_CPUS - 1, GUEST_CPUS - 1);
	hold_bypass(true);
	most = most_on_run_queue();
	status = node_status(0);
	check(most <= TASKS / (s->cpus - 1) * 5 / 4, "%s: each run queue has its share (%d)",
	      s->what, most);
	for (i = 0; i < nr_tasks(); i++) {
		cpu = task_cpu_of(task_pid(i));
		strays += cpu >= 0 && cpu / CPUS_PER_NODE != (i >= s->on[0]);
	}
	check(!strays == !(s->strays && has_nodes()), "%s: %d tasks have changed their node",
	      s->what, strays);
	check(status.delivered && !status.moved, "%s: %llu were delivered, none moved (%llu)",
	      s->what, status.delivered, status.moved);
	check(all_progress(120), "%s: all tasks run", s->what);
	pin_to_range(0, 0, GUEST_CPUS);
	hold_bypass(false);
	check(all_progress(120), "all tasks run under the scheduler again");
	kill_tasks();
	sched_must_go();
	module_unload();
}

static int pin_to_a_node_and_a_cpu(int index)
{
	return pin_to_range(0, 0, CPUS_PER_NODE + 1);
}

/* Of the other node they may use one CPU, which a real-time task takes as bypass has begun. */
static void beside_a_hog(const char *when, int lost)
{
	struct waits waits;
	pid_t hog;

	must_attach(SCHED_PILE);
	spawn(TASKS, 0, pin_to_a_node_and_a_cpu);
	must_progress(120, "under the scheduler");
	pin_to(GUEST_CPUS - 1, GUEST_CPUS - 1);
	hold_bypass(true);
	hog = hog_begin(CPUS_PER_NODE, HOG_PRIO);
	waits = watch_tasks(RUN_MS);
	check(waits.stuck <= lost, "%s: %d tasks make no step", when, waits.stuck);
	end_children(&hog, 1);
	spread_end();
}

static void case_delivery(bool module)
{
	size_t i;

	hogs_may_run();
	load_test_module();
	if (has_nodes()) {
		beside_a_hog("one CPU of the other node, without the module", LOST_TO_THE_HOG);
		module_load(PARAMS);
		beside_a_hog("one CPU of the other node, with it", 0);
		module_unload();
	}
	for (i = 0; i < ARRAY_SIZE(situations); i++)
		if (has_nodes() || !situations[i].on[1])
			deliver(&situations[i]);
}

CASE(delivery) = {
	.shows = "as bypass begins each run queue gets its share; across nodes if one is fuller",
	.machines = "counted",
};
