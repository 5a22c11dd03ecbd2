// SPDX-License-Identifier: GPL-2.0-only
/*
 * stuck: a CPU does not react at all, not even to interrupts, as one that polls with interrupts
 * off, or that a hypervisor does not run. The module's timers may be there. Tasks that wait there
 * must run elsewhere, as on the stock kernel, where all CPUs of a node look at one queue. Without
 * the module first, then with it.
 *
 * The CPU may hold the lock of its own timers, or that of its run queue. And it may be just in one
 * of the places of the module that watch for this.
 */
#include <stdio.h>
#include <unistd.h>

#include "lab.h"

#define STUCK		"scx_bypass_stuck"
#define STUCK_PARAM(name) "/sys/module/" STUCK "/parameters/" name
/* at most, below what the kernel reports */
#define STUCK_MS	"18000"
/* the same, with a lock held that the kernel may wait for */
#define PICK_MS		"5000"
#define RUN_MS		1000
/* a slow host may keep a task from running for so long: how often to look again */
#define LOOKS		5
#define SETTLE_MS	100
#define TASKS		40
/* on each CPU, which may run there only */
#define PINNED		3
/* the task that runs there, and one that the CPU has already picked */
#define LOST		2

/**
 * struct way - a way to be stuck
 * @name: for messages
 * @before: before bypass begins, else in bypass
 * @locked: with the lock of the CPU's timers held
 */
static const struct way {
	const char *name;
	bool before, locked;
} ways[] = {
	/* the first: no CPU has started its timers since the module was loaded */
	{ "in bypass, its timers locked", false, true },
	{ "in bypass", false, false },
	{ "before bypass", true, false },
};

/* functions of the module */
static const char * const places[] = { "timing_guard_fn", "timing_update", "timing_start_fn" };

static bool is_over(void *unused)
{
	return !read_long(STUCK_PARAM("cpu"));
}

static bool is_stuck(void *unused)
{
	return !is_over(NULL);
}

/* -1: it ends */
static void get_stuck(int cpu)
{
	char number[8];

	snprintf(number, sizeof(number), "%d", cpu);
	must_write(STUCK_PARAM("cpu"), number);
}

/* Let all tasks run for a while, beside a CPU that does not react. */
static void watch_beside(struct waits *worst)
{
	struct waits waits;
	int looks = LOOKS;

	/* the task that runs there makes its last step */
	sleep_ms(SETTLE_MS);
	waits = watch_tasks(RUN_MS);
	while (waits.stuck > LOST && --looks) {
		info("%d tasks have made no step in %d ms", waits.stuck, RUN_MS);
		waits = watch_tasks(RUN_MS);
	}
	check(!is_over(NULL), "a CPU was stuck for all the time");
	get_stuck(-1);
	check(wait_for(is_over, NULL, 120), "it is not stuck any more");
	check(all_progress(120), "all tasks run");
	if (waits.stuck > worst->stuck)
		worst->stuck = waits.stuck;
	if (waits.longest > worst->longest)
		worst->longest = waits.longest;
}

static struct waits beside_a_stuck_cpu(const struct way *way)
{
	struct waits worst = { };
	int cpu;

	must_write(STUCK_PARAM("locked"), way->locked ? "1" : "0");
	spread_begin(TASKS);
	if (way->before) {
		get_stuck(0);
		hold_bypass(true);
		watch_beside(&worst);
	} else {
		hold_bypass(true);
		must_progress(120, "in bypass");
		/* one of them has the timers; the last CPU of all is the driver's */
		for (cpu = 0; cpu < CPUS_PER_NODE && cpu < GUEST_CPUS - 1; cpu++) {
			get_stuck(cpu);
			watch_beside(&worst);
		}
	}
	spread_end();
	return worst;
}

/* Another task makes bypass begin: it may be the one that gets stuck. */
static struct waits stuck_at(const char *place)
{
	struct waits waits = { };
	pid_t child;

	spread_begin(TASKS);
	must_write(STUCK_PARAM("at"), place);
	child = start_child("bypass");
	if (!child) {
		pin_to(0, 0);
		set_priority(0, HOG_PRIO);
		hold_bypass(true);
		_exit(0);
	}
	check(wait_for(is_stuck, NULL, 120), "a CPU is stuck in %s", place);
	watch_beside(&waits);
	must_write(STUCK_PARAM("at"), "\n");
	end_children(&child, 1);
	spread_end();
	return waits;
}

static int on_own_cpu(int index)
{
	int cpu = index / PINNED + 1;

	return pin_to(cpu, cpu);
}

static void __noreturn nap_on_first_cpu(void)
{
	pin_to(0, 0);
	for (;;)
		sleep_ms(1);
}

/*
 * A CPU is stuck in the middle of a pick, with its run queue's lock held: the first one, which
 * idled before it (@idle), or another one, which was busy. That need not trouble the others, as all
 * tasks may run on one CPU only. But some thread of the kernel may just need that lock, with the
 * module or without, and the driver an answer of its CPU. Then once more.
 */
static void stuck_picking(bool idle, const char *module)
{
	/* the first CPU has none of those that are counted */
	int tries = LOOKS, most = idle ? 0 : PINNED;
	struct waits waits = { };
	pid_t napping;

	must_attach(SCHED_GLOBAL);
	spawn(PINNED * (GUEST_CPUS - 1), 0, on_own_cpu);
	napping = start_child("napping");
	if (!napping)
		nap_on_first_cpu();
	must_progress(120, "under the scheduler");
	pin_to(GUEST_CPUS - 1, GUEST_CPUS - 1);
	hold_bypass(true);
	must_progress(120, "in bypass");
	must_write(STUCK_PARAM("picked"), idle ? "2" : "1");
	must_write(STUCK_PARAM("ms"), PICK_MS);
	do {
		bool all_the_time;

		must_write(STUCK_PARAM("at"), "set_next_task_scx");
		check(wait_for(is_stuck, NULL, 120), "a CPU is stuck as it picks a task");
		sleep_ms(SETTLE_MS);
		waits = watch_tasks(RUN_MS);
		all_the_time = !is_over(NULL);
		get_stuck(-1);
		check(wait_for(is_over, NULL, 120), "it is not stuck any more");
		must_write(STUCK_PARAM("at"), "\n");
		if (all_the_time && waits.stuck <= most)
			break;
		info("%d tasks have made no step in %d ms", waits.stuck, RUN_MS);
	} while (--tries);
	must_write(STUCK_PARAM("ms"), STUCK_MS);
	must_write(STUCK_PARAM("picked"), "0");
	end_children(&napping, 1);
	spread_end();
	check(tries, "stuck as it picks%s, %s: %d tasks make no step",
	      idle ? " after it idled" : "", module, waits.stuck);
}

static void case_stuck(bool unused)
{
	struct waits without[ARRAY_SIZE(ways)], with;
	unsigned int i;

	hogs_may_run();
	load_test_module();
	must_load(STUCK, "ms=" STUCK_MS);
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		without[i] = beside_a_stuck_cpu(&ways[i]);
		check(without[i].stuck <= LOST,
		      "stuck %s, without the module: %d tasks make no step", ways[i].name,
		      without[i].stuck);
	}
	stuck_picking(false, "without the module");
	stuck_picking(true, "without the module");
	/* the first CPU to be stuck is then the one that has loaded the module */
	pin_to(0, 0);
	module_load("");
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		with = beside_a_stuck_cpu(&ways[i]);
		check(with.stuck <= LOST, "stuck %s, with it: %d tasks make no step", ways[i].name,
		      with.stuck);
		info("the longest wait of the others is %u %% of the time, %u without the module",
		     with.longest, without[i].longest);
	}
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		with = stuck_at(places[i]);
		check(with.stuck <= LOST, "stuck in %s: %d tasks make no step", places[i],
		      with.stuck);
	}
	stuck_picking(false, "with it");
	stuck_picking(true, "with it");
	module_unload();
	must_unload(STUCK);
}

CASE(stuck) = {
	.shows =
		"a CPU does not react at all, before bypass and in it: the tasks that waited there run elsewhere, as without the module",
};
