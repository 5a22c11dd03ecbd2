// SPDX-License-Identifier: GPL-2.0-only
/*
 * leak: the kernel stays in bypass for good, without a scheduler, as older kernels
 * do after a failed enable. The machine stays usable, kernel threads are what they were,
 * schedulers come and go, and rmmod leaves the kernel as it would be without the module.
 */
#include "lab.h"

#define TASKS		24
#define LEAK_MS		3000
#define FAIL_AT		20

/* Returns whether this kernel stays in bypass by itself after that. */
static bool fail_to_enable(bool module)
{
	sched_must_fail_enable(FAIL_AT);
	/* the flag is what fixed that */
	return !file_has("/proc/kallsyms", " scx_bypassed_for_enable") &&
	       (!module || bypass_is(true));
}

static void try_cpus(const char *when)
{
	int cpu;

	for (cpu = 1; cpu < 3; cpu++)
		check(!set_cpu_online(cpu, false) && !set_cpu_online(cpu, true),
		      "%s: CPU %d goes down and comes up", when, cpu);
	check(all_progress(120), "%s: all tasks run", when);
}

static void try_scheduler(const char *when)
{
	must_attach(SCHED_PILE);
	check(all_progress(120), "%s: with a scheduler all tasks run", when);
	check_rcu_threads("with a scheduler");
	sched_must_go();
	check(all_progress(120), "%s: and when it has gone", when);
}

static void case_leak(bool module)
{
	bool leaked;

	load_test_module();
	note_rcu_threads();
	if (module)
		module_load("");
	leaked = fail_to_enable(module);
	info("%s", leaked ? "this kernel itself stays in bypass now" : "bypass is held instead");
	if (!leaked)
		hold_bypass(true);

	spawn(TASKS, 0, NULL);
	sleep_ms(LEAK_MS * test_times);
	check(all_progress(120), "in bypass without a scheduler: all tasks run");
	check_rcu_threads("in bypass without a scheduler");
	try_cpus("in bypass without a scheduler");
	try_scheduler("still in bypass");
	check_rcu_threads("after a scheduler");

	if (module) {
		/* also when schedulers come and go */
		if (leaked)
			check(kernel_log_count("bypass stays on although no scheduler is") == 1,
			      "the module says once that bypass stays on");
		module_unload();
		check(all_progress(120), "without the module: all tasks run");
		check_rcu_threads("without the module");
		try_cpus("without the module");
		try_scheduler("without the module");
		module_load("");
		must_attach(SCHED_PILE);
		check(all_progress(120), "loaded again, with a scheduler: all tasks run");
		module_unload();
		check(all_progress(120), "unloaded with a scheduler: all tasks run");
		sched_must_go();
		check_rcu_threads("unloaded with a scheduler");
	}
	check(!read_long(TEST_PARAM("stale")), "no task is on a bypass DSQ");
	if (!leaked)
		hold_bypass(false);
	try_scheduler("at last");
	kill_tasks();
}

CASE(leak) = {
	.shows =
		"a kernel that stays in bypass without a scheduler: all tasks run, RCU's threads are what they were, rmmod restores it",
	.variants = "control module",
};
