// SPDX-License-Identifier: GPL-2.0-only
/*
 * hog: a task of a higher class takes a CPU for itself and does not give it back. Tasks that
 * wait there for their turn must run elsewhere, as on the stock kernel, where all CPUs of a
 * node look at one queue. Without the module first, then with it.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <string.h>

#include "lab.h"

#define HOG_CPU		3
/*
 * When a real-time task preempts one of sched_ext in bypass, the stock kernel has already put the
 * next one on the CPU's local DSQ, where it stays for as long as the hog spins: prev_balance()
 * starts at the class of the task that is preempted.
 */
#define LOST_TO_THE_HOG	1
/* the driver stays on the other node */
#define DRIVER_CPU	7
#define PILED		60
#define FEW		40
/* more than another CPU looks at on each visit, and one that may leave */
#define PINNED		24
#define PINNED_ROUNDS	5
/* it serves many more that may run nowhere else */
#define PINNED_CPU	1
#define SERVED		60
#define IDLE_CPU	2
#define LEAVE_SECONDS	5
#define NAP_MS		40
#define RUN_MS		4000
/* how often the queue of the hog's CPU is looked at */
#define LOOKS		40
#define LOOK_MS		10
/* how much longer a task may wait than without the module: times, and percent of a run */
#define TIMES		2
#define MORE		25
#define SETTLE_MS	100

static int to_ext(int index)
{
	const struct sched_param none = { };

	return pin_to_range(0, 0, GUEST_CPUS) ?: sched_setscheduler(0, SCHED_EXT, &none);
}

/**
 * struct hog_run - a way to come upon a hog
 * @name: for messages
 * @which: the scheduler
 * @piled: all tasks on one CPU, else a few on each
 * @late: it begins to spin during bypass, else before
 * @priority: of the hog
 * @params: of the module
 * @nap_ms: it naps after each so many milliseconds, or never
 */
struct hog_run {
	const char *name;
	enum scheduler which;
	bool piled, late;
	int priority;
	const char *params;
	unsigned int nap_ms;
};

#define NO_PASSES	"bypass_lb_intv_us=0"
#define OFTEN		"bypass_lb_intv_us=2000"

static const struct hog_run hog_runs[] = {
	{ "hog, then bypass", SCHED_GLOBAL, false, false, HOG_PRIO, "" },
	{ "piled up, hog, then bypass", SCHED_PILE, true, false, HOG_PRIO, OFTEN },
	{ "piled up, bypass, then hog", SCHED_PILE, true, true, HOG_PRIO, "" },
	{ "bypass, then hog, no passes", SCHED_GLOBAL, false, true, HOG_PRIO, NO_PASSES },
	{ "piled up, hog of the fair class", SCHED_PARTIAL, true, false, 0, "" },
	{ "bypass, then hog that naps", SCHED_GLOBAL, false, true, HOG_PRIO, NO_PASSES, NAP_MS },
};

/*
 * Others have taken what waited with the hog, except what may run only there. No pass brings a task
 * there, though no other CPU has so few. Urgent ones do not count: they may be kernel threads of
 * that CPU.
 */
static void check_nothing_comes(const struct hog_run *run)
{
	int i, nr, first, most;

	if (strcmp(run->params, OFTEN) || !exists(STATUS))
		return;
	first = balanced_length(HOG_CPU);
	most = first;
	for (i = 0; i < LOOKS; i++) {
		sleep_ms(LOOK_MS);
		nr = balanced_length(HOG_CPU);
		most = nr > most ? nr : most;
	}
	check(most == first, "%s: passes bring no task to the hog's CPU (%d, at most %d)",
	      run->name, first, most);
}

static struct waits beside_a_hog(const struct hog_run *run)
{
	int (*setup)(int index) = run->priority ? NULL : to_ext;
	struct waits waits;
	pid_t hog;

	must_attach(run->which);
	spawn(run->piled ? PILED : FEW / 2, 0, setup);
	if (!run->piled)
		spawn(FEW / 2, 1, setup);
	must_progress(120, "under the scheduler");
	pin_to(DRIVER_CPU, DRIVER_CPU);
	if (run->late) {
		hold_bypass(true);
		must_progress(120, "in bypass");
		hog = hog_begin_napping(HOG_CPU, run->priority, run->nap_ms);
	} else {
		hog = hog_begin_napping(HOG_CPU, run->priority, run->nap_ms);
		hold_bypass(true);
	}
	waits = watch_tasks(RUN_MS * test_times);
	check_nothing_comes(run);
	end_children(&hog, 1);
	spread_end();
	return waits;
}

static void check_stuck(const char *when, const struct hog_run *run, int stuck, int most)
{
	check(stuck <= most, "%s: %s: %d tasks make no step", when, run->name, stuck);
}

static bool last_runs(void *work)
{
	return work_of_task(nr_tasks() - 1) > *(unsigned long *)work;
}

/* The tasks have been made: bypass, and a hog. */
static pid_t pinned_begin(void)
{
	must_progress(120, "pinned, under the scheduler");
	pin_to(DRIVER_CPU, DRIVER_CPU);
	hold_bypass(true);
	must_progress(120, "pinned, in bypass");
	return hog_begin(HOG_CPU, HOG_PRIO);
}

static void pinned_end(pid_t hog)
{
	end_children(&hog, 1);
	spread_end();
	module_unload();
}

/*
 * The queue of the hog's CPU is full of tasks that may run nowhere else. The last of them is
 * then allowed to run on one other CPU, which idles.
 */
static void behind_pinned_tasks(void)
{
	pid_t last, hog;
	unsigned long work;
	int i;

	module_load(NO_PASSES);
	must_attach(SCHED_GLOBAL);
	spawn_on(PINNED, HOG_CPU);
	hog = pinned_begin();
	last = task_pid(nr_tasks() - 1);
	for (i = 0; i < PINNED_ROUNDS; i++) {
		pin_to_range(last, HOG_CPU, 1);
		sleep_ms(SETTLE_MS);
		work = work_of_task(nr_tasks() - 1);
		pin_to_range(last, HOG_CPU - 1, 2);
		if (!wait_for(last_runs, &work, 120))
			break;
	}
	check(i == PINNED_ROUNDS, "behind tasks that may run only there: it leaves, %d times", i);
	pinned_end(hog);
}

/* How many of the tasks that CPU @PINNED_CPU serves have run since they had done @before? */
static int nr_turns(const unsigned long *before)
{
	int i, nr = 0;

	for (i = 0; i < SERVED; i++)
		nr += work_of_task(PINNED + i) != before[i];
	return nr;
}

/*
 * The same, but that CPU serves its tasks, and beside it there is one with a hog, which an idle CPU
 * searches first.
 */
static void beside_pinned_tasks(void)
{
	unsigned long before[SERVED];
	int i, round, others = 0;
	pid_t last, hog;

	module_load(NO_PASSES);
	must_attach(SCHED_GLOBAL);
	spawn_on(PINNED, HOG_CPU);
	spawn_on(SERVED + 1, PINNED_CPU);
	hog = pinned_begin();
	last = task_pid(nr_tasks() - 1);
	for (round = 0; round < PINNED_ROUNDS; round++) {
		unsigned long work;
		double end;
		int nr;

		pin_to_range(last, PINNED_CPU, 1);
		sleep_ms(SETTLE_MS);
		work = work_of_task(nr_tasks() - 1);
		for (i = 0; i < SERVED; i++)
			before[i] = work_of_task(PINNED + i);
		pin_to_range(last, PINNED_CPU, IDLE_CPU - PINNED_CPU + 1);
		end = now() + LEAVE_SECONDS;
		while (!last_runs(&work) && now() < end)
			sleep_ms(1);
		nr = nr_turns(before);
		others = nr > others ? nr : others;
	}
	check(others < SERVED / 2,
	      "behind tasks that run in turn: it leaves, when %d others have run at most", others);
	pinned_end(hog);
}

static void case_hog(bool module)
{
	struct waits without[ARRAY_SIZE(hog_runs)], with;
	unsigned int limit, i;

	hogs_may_run();
	load_test_module();
	for (i = 0; i < ARRAY_SIZE(hog_runs); i++) {
		without[i] = beside_a_hog(&hog_runs[i]);
		check_stuck("without the module", &hog_runs[i], without[i].stuck,
			    hog_runs[i].late ? LOST_TO_THE_HOG : 0);
	}
	for (i = 0; i < ARRAY_SIZE(hog_runs); i++) {
		module_load(hog_runs[i].params);
		with = beside_a_hog(&hog_runs[i]);
		module_unload();
		check_stuck("with it", &hog_runs[i], with.stuck, 0);
		limit = TIMES * without[i].longest + MORE;
		check(with.longest <= limit,
		      "%s: the longest wait of the others is %u %% of the time, %u without the module",
		      hog_runs[i].name, with.longest, without[i].longest);
	}
	behind_pinned_tasks();
	beside_pinned_tasks();
}

CASE(hog) = {
	.shows =
		"a task of a higher class takes a CPU for itself, before bypass and in it: the tasks that waited there run elsewhere, as without the module",
};
