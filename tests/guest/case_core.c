// SPDX-License-Identifier: GPL-2.0-only
/*
 * core: core scheduling. Siblings run tasks with the same cookie at the same time only, so one of
 * them idles if the other runs a task that its own may not run beside. A CPU that idles for that
 * reason does not keep tasks from other CPUs that could run them, and a task with a cookie gets
 * its turn among others that have none. Without the module first, then with it.
 */
#include <sys/prctl.h>

#include "lab.h"

#define HOG_CPU		2
#define FEW		40
#define MANY		120
#define RUN_MS		4000
/* what the CPUs of the hog's core have picked already, see case_hog.c */
#define LOST_TO_THE_HOG	2

static int set_cookie(pid_t pid)
{
	return prctl(PR_SCHED_CORE, PR_SCHED_CORE_CREATE, pid, PR_SCHED_CORE_SCOPE_THREAD, 0);
}

/* Its sibling idles for as long as it spins. */
static void beside_a_hog(const char *when)
{
	struct waits waits;
	pid_t hog;

	spread_begin(FEW);
	hold_bypass(true);
	hog = hog_begin(HOG_CPU, HOG_PRIO);
	if (set_cookie(hog))
		give_up("the hog gets no cookie");
	waits = watch_tasks(RUN_MS);
	end_children(&hog, 1);
	check(waits.stuck <= LOST_TO_THE_HOG, "hog with a cookie, %s: %d tasks make no step", when,
	      waits.stuck);
	spread_end();
}

static void one_among_many(const char *when)
{
	struct waits waits;

	spread_begin(MANY);
	if (set_cookie(task_pid(0)))
		give_up("a task gets no cookie");
	hold_bypass(true);
	waits = watch_tasks(RUN_MS);
	check(!waits.stuck, "a task with a cookie, %s: %d tasks make no step", when, waits.stuck);
	spread_end();
}

static void case_core(bool module)
{
	hogs_may_run();
	load_test_module();
	/* a CPU may idle with tasks of its own */
	must_write(WATCH_PARAM("cookies"), "Y");
	one_among_many("without the module");
	beside_a_hog("without the module");
	module_load("");
	one_among_many("with it");
	beside_a_hog("with it");
	module_unload();
}

CASE(core) = {
	.shows =
		"core scheduling: a CPU that idles because of its sibling keeps no task waiting, and a task with a cookie gets its turn",
	.targets = "named",
};
