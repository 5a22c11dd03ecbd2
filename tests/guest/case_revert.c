// SPDX-License-Identifier: GPL-2.0-only
/*
 * revert: rmmod at any moment puts the kernel back, and loses no task.
 * reload: many times in a row.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab.h"

#define TASKS		80
#define FEW_TASKS	8
#define RELOADS		20

static void check_clean(const char *when)
{
	check(!exists("/sys/kernel/livepatch/" MODULE) && !exists("/sys/module/" MODULE) &&
	      !exists("/sys/kernel/debug/" MODULE) &&
	      !exists(TRACEFS "events/sched_ext/sched_ext_bypass_lb"),
	      "%s: nothing left in sysfs, debugfs, tracefs", when);
	check(!file_has("/proc/kallsyms", "[" MODULE "]") &&
	      !file_has("/proc/modules", MODULE " ") && !kernel_is_hooked(),
	      "%s: no trace in kallsyms, modules, enabled_functions", when);
}

static void unload_and_check(const char *when)
{
	int ret = unload_module(MODULE);

	check(!ret, "%s: rmmod (%s)", when, strerror(-ret));
	if (ret)
		give_up("the module stays");
	check(all_progress(120), "%s: no task is lost", when);
	check_clean(when);
}

static void in_bypass(const char *when, const char *params)
{
	module_load(params);
	hold_bypass(true);
	check(queues_hold(TASKS / 2), "%s: the queues are full", when);
	unload_and_check(when);
	hold_bypass(false);
	check(all_progress(120), "%s: and none when bypass ends", when);
}

/* Loaded while bypass is on, it takes over what the kernel has queued. */
static void load_in_bypass(void)
{
	hold_bypass(true);
	module_load("bypass_lb_intv_us=10000");
	check(all_progress(120), "loaded in bypass: all tasks run");
	/* the proof needs a node's queue that is empty for a moment, as that of another node is */
	if (!has_nodes()) {
		signal_tasks(SIGSTOP);
		sleep_ms(100);
		signal_tasks(SIGCONT);
	}
	check(queues_hold(TASKS / 2), "loaded in bypass: they use the bypass DSQs");
	hold_bypass(false);
	unload_and_check("loaded in bypass");
}

static bool is_gone(void *unused)
{
	return !exists("/sys/module/" MODULE);
}

/* A kernel without preemption cannot tell which task it is. */
static bool stall_is_told(void *unused)
{
	return kernel_log_has("unload waits for task livepatch_stall[") ||
	       (!kernel_is_preemptible() &&
		kernel_log_has("unload waits for the kernel to take the hooks off"));
}

static void while_stalled(void)
{
	pid_t pid;

	module_load("");
	must_write(TEST_PARAM("stall_livepatch"), "1");
	pid = start_child("unload");
	if (!pid) {
		/* away from it: on PREEMPT_RT timers would wait for it there */
		pin_to(0, 0);
		_exit(-unload_module(MODULE));
	}
	check(wait_for(stall_is_told, NULL, 300), "a stalled unload says what it waits for");
	check(exists("/sys/module/" MODULE), "and waits for it");
	must_write(TEST_PARAM("stall_livepatch"), "0");
	check(wait_for(is_gone, NULL, 300), "and ends when the task lets go");
	waitpid(pid, NULL, 0);
	check_clean("stalled");
}

/* Somebody disables the livepatch by hand. */
static void by_sysfs(void)
{
	module_load("");
	hold_bypass(true);
	must_write("/sys/kernel/livepatch/" MODULE "/enabled", "0");
	check(all_progress(120), "disabled through sysfs: no task is lost");
	hold_bypass(false);
	sleep_ms(3000);
	check(!hooks_are_active(NULL), "disabled through sysfs: the hooks are inactive");
	unload_and_check("disabled through sysfs");
}

/* The transition of insmod has not ended yet. */
static void at_once(void)
{
	check(!load_under_test(""), "at once: insmod");
	unload_and_check("at once");
}

static void case_reload(bool module)
{
	int i;

	load_test_module();
	must_attach(SCHED_PILE);
	spawn(FEW_TASKS, 0, NULL);
	for (i = 0; i < RELOADS; i++) {
		module_load("bypass_lb_intv_us=1000");
		hold_bypass(true);
		if (i % 2)
			hold_bypass(false);
		if (unload_module(MODULE))
			break;
		hold_bypass(false);
		if (i % 10 == 9)
			info("loaded and unloaded %d times", i + 1);
	}
	check(i == RELOADS, "loaded and unloaded %d times in a row", i);
	check(all_progress(120), "%d times: no task is lost", i);
	check_clean("many times");

	kill_tasks();
	sched_must_go();
}

CASE(reload) = {
	.shows = "loaded and unloaded 20 times in a row",
	.first = true,
};

static void case_revert(bool module)
{
	bool livepatch;

	load_test_module();
	module_load("");
	livepatch = backend_is("livepatch");
	check(kernel_is_hooked() && file_has("/proc/kallsyms", "[" MODULE "]"),
	      "while loaded, the hooks can be seen");
	unload_and_check("idle");
	at_once();
	while_stalled();

	must_attach(SCHED_PILE);
	spawn(TASKS, 0, NULL);
	must_progress(120, "under the scheduler");
	module_load("");
	unload_and_check("with a scheduler running");
	at_once();

	in_bypass("in bypass, not balanced", "bypass_lb_intv_us=0");
	in_bypass("in bypass, balanced", "");
	in_bypass("while the balancer runs", "bypass_lb_intv_us=1");
	load_in_bypass();
	if (livepatch)
		by_sysfs();

	kill_tasks();
	sched_must_go();
	must_attach(SCHED_PILE);
	spawn(TASKS, 0, NULL);
	check(all_progress(120), "a scheduler works afterwards");
	sched_press_sysrq();
	check(wait_for(sched_is_off, NULL, 300), "and goes");
	kill_tasks();
	sched_detach();
}

CASE(revert) = {
	.shows = "rmmod without a scheduler, with one, in bypass, while balancing, while stalled",
	.first = true,
};
