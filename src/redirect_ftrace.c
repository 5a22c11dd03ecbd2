// SPDX-License-Identifier: GPL-2.0-only
/*
 * Redirect by ftrace alone.
 *
 * The callback runs where a hooked function is entered and makes it return
 * into the hook instead. With IPMODIFY ftrace itself keeps others from
 * redirecting the same functions: a livepatch for one of them is refused.
 */
#include <linux/ftrace.h>
#include <linux/module.h>

#include "hooks.h"
#include "redirect.h"

/* Runs in any context in which a hooked function is called. Calls nothing. */
static void notrace redirect_fn(unsigned long ip, unsigned long parent_ip,
				struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	const struct hook_site *site;

	for (site = hook_sites; site < hook_sites + NR_HOOKS; site++)
		if (ip == site->ip)
			ftrace_regs_set_instruction_pointer(fregs,
							    (unsigned long)site->hook->func);
}

/* PERMANENT: not to be switched off by sysctl, tasks would be lost */
static struct ftrace_ops ops = {
	.func = redirect_fn,
	.flags = FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT,
};

/**
 * redirect_ftrace_install() - redirect the hooked functions by ftrace
 *
 * Context: module init, may sleep.
 * Return: 0, or what ftrace returns; then nothing is redirected.
 */
int __init redirect_ftrace_install(void)
{
	int ret = 0;
	int id;

	for (id = 0; id < NR_HOOKS && !ret; id++)
		ret = ftrace_set_filter_ip(&ops, hook_sites[id].ip, 0, 0);
	if (!ret)
		ret = register_ftrace_function(&ops);
	if (ret) {
		ftrace_free_filter(&ops);
		pr_err("ftrace refuses the hooks (error %d)\n", ret);
		return ret;
	}

	/* tasks that entered a function before; none of the three sleeps */
	synchronize_rcu_tasks();
	hooks_activate();
	return 0;
}

/**
 * redirect_ftrace_remove() - put the kernel's functions back
 *
 * Context: module exit, may sleep.
 */
void redirect_ftrace_remove(void)
{
	hooks_deactivate();
	unregister_ftrace_function(&ops);
	ftrace_free_filter(&ops);

	/* a task preempted in a hook */
	synchronize_rcu_tasks();
}
