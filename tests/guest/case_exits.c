// SPDX-License-Identifier: GPL-2.0-only
/* exits: every way out of a scheduler leads through bypass and out of it. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lab.h"

#define FAILED_ENABLE	"a failed enable"
#define TASKS	80

static void by_unregister(void)
{
	sched_detach();
}

static const struct {
	const char *name;
	enum scheduler which;
	void (*leave)(void);
	const char *log;
} exits[] = {
	{ "unregistering", SCHED_PILE, by_unregister, "unregistered from user space" },
	{ "SysRq-S", SCHED_PILE, sched_press_sysrq, "disabled by sysrq-S" },
	{ "scx_bpf_error", SCHED_PILE, sched_raise_error, "raised on request" },
	{ "the watchdog", SCHED_WATCHED, sched_stall, "runnable task stall" },
};

/*
 * Before 6.18 a kernel enters bypass to enable a scheduler and, if that fails,
 * once more to disable it, but leaves it once. The flag is what mended that.
 */
static bool kernel_stays(const char *how)
{
	if (strcmp(how, FAILED_ENABLE) || file_has("/proc/kallsyms", " scx_bypassed_for_enable"))
		return false;
	info("%s: this kernel itself stays in bypass", how);
	return true;
}

static void check_alive(const char *how, bool module)
{
	check(wait_for(sched_is_off, NULL, 120), "%s: the scheduler is gone", how);
	if (module) {
		/* the last step out of bypass comes behind the state */
		check(wait_for(bypass_is_off, NULL, 60) || kernel_stays(how),
		      "%s: bypass has ended", how);
		check(!total_queued(), "%s: the bypass DSQs are empty", how);
	}
	check(all_progress(120), "%s: all tasks run", how);
}

static void case_exits(bool module)
{
	unsigned int i;

	if (module)
		module_load("bypass_lb_intv_us=10000");

	for (i = 0; i < ARRAY_SIZE(exits); i++) {
		must_attach(exits[i].which);
		spawn(TASKS, 0, NULL);
		must_progress(120, exits[i].name);
		exits[i].leave();
		check_alive(exits[i].name, module);
		check(kernel_log_has(exits[i].log), "%s: the kernel says '%s'",
		      exits[i].name, exits[i].log);
		sched_detach();
		kill_tasks();
	}

	spawn(TASKS, 0, NULL);
	sched_must_fail_enable(20);
	check_alive(FAILED_ENABLE, module);
	kill_tasks();

	must_attach(SCHED_PILE);
	spawn(TASKS, 0, NULL);
	check(all_progress(120), "a good scheduler works afterwards");
	sched_detach();
	check(wait_for(sched_is_off, NULL, 60), "and goes");
	kill_tasks();
	if (module)
		module_unload();
}

CASE(exits) = {
	.shows = "every way out of a scheduler ends bypass and leaves no task behind",
	.variants = "control module",
};
