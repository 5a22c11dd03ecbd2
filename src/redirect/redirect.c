// SPDX-License-Identifier: GPL-2.0-only
/*
 * Redirect the hooked functions: by direct calls if no other user has one there, else
 * by ftrace, or by the backend that the parameter names.
 *
 * A livepatch transition has to reach each task. On a machine in trouble that
 * takes long, and it never reaches a task that has left the task list: when
 * such a task calls a hooked function on its way out, livepatch warns.
 */
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/rcupdate.h>
#include <linux/sched/debug.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "hooks/sites.h"
#include "hooks/state.h"
#include "kern/types.h"
#include "redirect/fentry.h"
#include "redirect/patch.h"
#include "redirect/redirect.h"

/* how often tasks that hold up the removal are reported, and how many of them */
#define REDIRECT_STALL_JIFFIES	(10 * HZ)
#define REDIRECT_STALL_MAX_TASKS	5

enum redirect_backend {
	REDIRECT_AUTO,
	REDIRECT_LIVEPATCH,
	REDIRECT_FTRACE,
	REDIRECT_DIRECT,
};

static const char * const redirect_names[] = {
	[REDIRECT_AUTO] = "auto",
	[REDIRECT_LIVEPATCH] = "livepatch",
	[REDIRECT_FTRACE] = "ftrace",
	[REDIRECT_DIRECT] = "direct",
};

static char *redirect_wanted = "auto";
module_param_named(backend, redirect_wanted, charp, 0400);
MODULE_PARM_DESC(backend,
		 "how functions are redirected: direct, ftrace, livepatch, or auto (default): direct, or ftrace if direct calls are refused");

/* what is used */
static enum redirect_backend redirect_used;

/**
 * redirect_backend() - the backend in use
 *
 * Context: any.
 * Return: its name, as the parameter has it; a constant.
 */
const char *redirect_backend(void)
{
	return redirect_names[redirect_used];
}

/*
 * Does a function stay redirected by ftrace, and by livepatch, whatever BPF program is attached
 * later? In older kernels the redirection is lost, without a word, when a program is attached to
 * the exit while there is one at the entry. Then tasks that the hooks have queued would never be
 * picked. The fix has added the last argument to this function of ftrace: 6.17.12, 6.18 and 6.12.73
 * have it.
 */
static bool __init redirect_lasts(void)
{
	char proto[TYPES_PROTO_LEN];

	return !types_proto("__ftrace_hash_update_ipmodify", proto) &&
	       !strcmp(proto, "s32(*ftrace_ops,*ftrace_hash,*ftrace_hash,bool)");
}

/* Refuses a backend other than direct, and reports it, if this kernel allows no other. */
static int __init redirect_check_lasts(void)
{
	if (redirect_used == REDIRECT_DIRECT || redirect_lasts())
		return 0;
	pr_err("backend %s may not be safe in this kernel, where a BPF program that is attached later can undo it: detach BPF programs from the hooked functions, and load with backend=direct\n",
	       redirect_names[redirect_used]);
	return -EOPNOTSUPP;
}

/**
 * redirect_choose() - choose the backend
 *
 * Context: module init, may sleep.
 * Return: 0; then reported: -ENOENT if a symbol is missing, -EINVAL if there is no backend of the
 * parameter's name, -EBUSY if a function is redirected already, -EOPNOTSUPP if the kernel cannot
 * do it.
 */
int __init redirect_choose(void)
{
	int ret, wanted = sysfs_match_string(redirect_names, redirect_wanted);
	bool direct_taken;

	if (wanted < 0) {
		pr_err("backend must be auto, direct, ftrace or livepatch\n");
		return wanted;
	}
	if (wanted == REDIRECT_LIVEPATCH && !IS_ENABLED(CONFIG_LIVEPATCH)) {
		pr_err("this kernel has no livepatch (CONFIG_LIVEPATCH), load with backend=ftrace\n");
		return -EOPNOTSUPP;
	}
	ret = sites_check(&direct_taken);
	if (ret)
		return ret;
	if (wanted == REDIRECT_DIRECT && direct_taken) {
		pr_err("a BPF program is attached to a hooked function: no direct calls to the hooks\n");
		return -EBUSY;
	}
	redirect_used = wanted != REDIRECT_AUTO ? wanted :
			direct_taken ? REDIRECT_FTRACE : REDIRECT_DIRECT;
	return redirect_check_lasts();
}

/**
 * redirect_install() - redirect the hooked functions
 *
 * state_activate() is called when no task can run them without the hooks any
 * more, which may be after this returns.
 *
 * Context: module init, may sleep.
 * Return: as redirect_choose(), or what registering returns. Then nothing is redirected.
 */
int __init redirect_install(void)
{
	int ret = redirect_choose();
	bool is_auto;

	if (ret)
		return ret;
	if (IS_ENABLED(CONFIG_LIVEPATCH) && redirect_used == REDIRECT_LIVEPATCH)
		return patch_install();

	is_auto = sysfs_streq(redirect_wanted, redirect_names[REDIRECT_AUTO]);
	/* with auto, if direct is not chosen, another user has the place of a direct call */
	ret = redirect_used == REDIRECT_DIRECT ? fentry_install(true) : -EBUSY;
	if (ret && is_auto) {
		int error = ret;

		redirect_used = REDIRECT_FTRACE;
		ret = redirect_check_lasts();
		if (ret)
			return ret;
		pr_info("no direct calls to the hooks (error %d): ftrace is used, and each context switch costs more\n",
			error);
	}
	if (redirect_used == REDIRECT_FTRACE)
		ret = fentry_install(false);
	if (ret)
		pr_err("ftrace refuses the hooks (error %d)\n", ret);
	return ret;
}

static void redirect_report_stall(struct work_struct *work);
static DECLARE_DELAYED_WORK(redirect_stall_work, redirect_report_stall);

/*
 * What may hold up the removal: with livepatch a task that has not left the
 * patched functions since; with ftrace, which livepatch uses, a task that
 * stays in the kernel without ever giving up its CPU, because of which an
 * RCU-tasks grace period does not end.
 */
static const char *redirect_stall_reason(struct task_struct *p)
{
#ifdef CONFIG_LIVEPATCH
	if (redirect_used == REDIRECT_LIVEPATCH &&
	    READ_ONCE(p->patch_state) == KLP_TRANSITION_PATCHED)
		return "to leave the patched functions";
#endif
#ifdef CONFIG_TASKS_RCU
	if (READ_ONCE(p->rcu_tasks_holdout))
		return "to give up its CPU";
#endif
	return NULL;
}

static void redirect_report_stall(struct work_struct *work)
{
	struct task_struct *g, *p;
	unsigned int count = 0;

	if (READ_ONCE(state_stays))
		return;
	if (!state_is_idle())
		pr_warn("unload waits for a task inside a hook\n");

	rcu_read_lock();
	for_each_process_thread(g, p) {
		const char *reason = redirect_stall_reason(p);

		if (!reason || count++ >= REDIRECT_STALL_MAX_TASKS)
			continue;
		pr_warn("unload waits for task %s[%d] %s\n", p->comm, p->pid, reason);
		sched_show_task(p);
	}
	rcu_read_unlock();
	/* a kernel without preemption does not note for which tasks RCU-tasks waits */
	if (!count && state_is_idle())
		pr_warn("unload waits for the kernel to take the hooks off\n");
	if (count > REDIRECT_STALL_MAX_TASKS)
		pr_warn("unload waits for %u more tasks\n", count - REDIRECT_STALL_MAX_TASKS);

	queue_delayed_work(system_unbound_wq, &redirect_stall_work, REDIRECT_STALL_JIFFIES);
}

/*
 * ftrace stops for good when it finds a fault of its own. All hooks go on being called, and
 * nothing takes them off: ftrace and livepatch would warn, free what is in use, and say
 * that it was done.
 */
static void redirect_check_alive(void)
{
	if (!static_call(kern_ftrace_is_dead)())
		return;
	if (state_is_active())
		state_deactivate();
	fentry_stay(-ENODEV);
}

/**
 * redirect_remove() - put the kernel's functions back
 *
 * state_deactivate() is called before the first task leaves the hooks. On
 * return no task is in a hook or can enter one. Waits as long as that takes,
 * and names the tasks that hold it up. Never returns if ftrace cannot restore a function, or
 * after a livepatch transition that was forced.
 *
 * Context: module exit, may sleep.
 */
void redirect_remove(void)
{
	redirect_check_alive();
	queue_delayed_work(system_unbound_wq, &redirect_stall_work, REDIRECT_STALL_JIFFIES);
	if (IS_ENABLED(CONFIG_LIVEPATCH) && redirect_used == REDIRECT_LIVEPATCH) {
		patch_remove();
		/* livepatch does not tell whether ftrace has done it */
		redirect_check_alive();
	} else {
		fentry_remove();
	}
	/*
	 * No function calls a hook any more. First wait for the tasks that are counted
	 * inside one, because they may sleep there. Then for those that were preempted
	 * before or behind that; where the kernel is not preemptible there are none. Last, for
	 * CPUs that are in one, or have unlinked a task and still hold its DSQ's lock: these have
	 * interrupts off.
	 */
	state_wait_idle();
	synchronize_rcu_tasks();
	synchronize_rcu();
	cancel_delayed_work_sync(&redirect_stall_work);
}
