// SPDX-License-Identifier: GPL-2.0-only
/*
 * Redirect the hooked functions: by direct calls if nobody else has one there, else
 * by ftrace, or as the administrator wants it.
 *
 * A livepatch transition has to reach each task. On a machine in trouble that
 * takes long, and it never reaches a task that has left the task list: when
 * such a task calls a hooked function on its way out, livepatch warns.
 */
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/rcupdate.h>

#include "hooks.h"
#include "params.h"
#include "redirect.h"

static enum backend used;

/**
 * redirect_backend() - the means of redirection, for people
 *
 * Context: any.
 */
const char *redirect_backend(void)
{
	return backend_name(used);
}

/* Can the hooked functions be redirected as the administrator wants it? */
static int __init check_backend(bool *direct_taken)
{
	if (backend == BACKEND_LIVEPATCH && !IS_ENABLED(CONFIG_LIVEPATCH)) {
		pr_err("this kernel has no livepatch (CONFIG_LIVEPATCH), load with backend=ftrace\n");
		return -EOPNOTSUPP;
	}
	return redirect_check_sites(direct_taken);
}

/**
 * redirect_preview() - what would redirect_install() do?
 * @name: receives the name of the backend that it would use
 *
 * Context: module init, may sleep.
 * Return: as redirect_install().
 */
int __init redirect_preview(const char **name)
{
	bool direct_taken;
	int ret = check_backend(&direct_taken);

	if (ret)
		return ret;
	if (backend == BACKEND_DIRECT && direct_taken) {
		pr_err("a BPF program is on a hooked function: no direct call of the hooks\n");
		return -EBUSY;
	}
	*name = backend_name(backend != BACKEND_AUTO ? backend :
			     direct_taken ? BACKEND_FTRACE : BACKEND_DIRECT);
	return 0;
}

/**
 * redirect_install() - redirect the hooked functions
 *
 * hooks_activate() is called when no task can run them without the hooks any
 * more, which may be after this returns.
 *
 * Context: module init, may sleep.
 * Return: 0; -EBUSY if somebody else redirects one of the functions,
 * -EOPNOTSUPP if the kernel cannot do it, or what registering returns. Then
 * nothing is redirected.
 */
int __init redirect_install(void)
{
	bool direct_taken;
	int ret = check_backend(&direct_taken);

	if (ret)
		return ret;

	switch (backend) {
	case BACKEND_AUTO:
	case BACKEND_DIRECT:
		used = BACKEND_DIRECT;
		ret = redirect_ftrace_install(true);
		if (!ret || backend == BACKEND_DIRECT)
			break;
		pr_info("no direct call of the hooks (error %d): a context switch costs more\n",
			ret);
		fallthrough;
	case BACKEND_FTRACE:
		used = BACKEND_FTRACE;
		ret = redirect_ftrace_install(false);
		break;
	case BACKEND_LIVEPATCH:
		used = BACKEND_LIVEPATCH;
		return redirect_livepatch_install();
	}
	if (ret)
		pr_err("ftrace refuses the hooks (error %d)\n", ret);
	return ret;
}

/**
 * redirect_wait_tasks() - wait for the tasks that still run a hook
 *
 * No function calls a hook any more. First for those that are counted inside one,
 * because they may sleep there. Then for those that were preempted before or behind
 * that; where the kernel is not preemptible there are none of these.
 *
 * Context: module exit, may sleep.
 */
void redirect_wait_tasks(void)
{
	hooks_wait_idle();
	synchronize_rcu_tasks();
	synchronize_rcu();
}

/**
 * redirect_remove() - put the kernel's functions back
 *
 * hooks_deactivate() is called before the first task leaves the hooks. On
 * return no task is in a hook or can enter one. Waits as long as that takes,
 * and names the tasks that hold it up.
 *
 * Context: module exit, may sleep.
 */
void redirect_remove(void)
{
	redirect_watch_stall(used == BACKEND_LIVEPATCH);
	if (used == BACKEND_LIVEPATCH)
		redirect_livepatch_remove();
	else
		redirect_ftrace_remove();
	redirect_unwatch_stall();
}
