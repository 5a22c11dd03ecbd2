// SPDX-License-Identifier: GPL-2.0-only
/*
 * Redirect by ftrace.
 *
 * The callback runs where a hooked function is entered and makes it return
 * into the hook instead. With IPMODIFY ftrace itself keeps others from
 * redirecting the same functions: a livepatch for one of them is refused.
 *
 * What is called at each context switch is faster without ftrace's trampoline,
 * which saves and restores registers: by a "direct call" the function calls the
 * hook's gate. There can be one direct call in a function, and BPF's fentry and
 * fexit programs are direct calls as well: the first of them gets the place.
 */
#include <linux/bits.h>
#include <linux/ftrace.h>
#include <linux/module.h>
#include <linux/sched.h>

#include "hooks/sites.h"
#include "hooks/state.h"
#include "kern/kern.h"
#include "redirect/fentry.h"

/*
 * While a BPF program is being attached to one of the functions, or detached, ftrace waits for 1 ms
 * and then says -EAGAIN.
 */
#define FENTRY_TRIES	1000

/* Runs in any context in which a hooked function is called. Calls nothing. */
static void notrace fentry_fn(unsigned long ip, unsigned long parent_ip,
			      struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	const struct site *site;

	for (site = sites; site < sites + NR_HOOKS; site++)
		if (ip == site->ip)
			ftrace_regs_set_instruction_pointer(fregs,
							    (unsigned long)site->hook->func);
}

/*
 * PERMANENT: not to be switched off by sysctl, tasks would be lost. That holds for
 * all of ftrace, direct calls as well.
 *
 * [0] is used without direct calls, and [1] with them. If [1] cannot be registered, [0] is tried.
 * Before 6.15 ftrace_free_filter() leaves pointers to what it frees, so an ftrace_ops that had a
 * filter must not get another one.
 */
static struct ftrace_ops fentry_ops[] = {
	[0 ... 1] = {
		.func = fentry_fn,
		.flags = FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT,
	},
};

static struct ftrace_ops fentry_direct_ops[NR_HOOKS];
/* bits of the hooks that are called directly */
static unsigned long fentry_direct;

/**
 * fentry_stay() - functions of the kernel still call the module: its memory must stay
 * @error: negative errno, for the log
 *
 * Never returns, as with a livepatch transition that was forced. A suspend is not held up.
 *
 * Context: module exit, may sleep.
 */
void __noreturn fentry_stay(int error)
{
	pr_crit("ftrace failed to restore the kernel's functions (error %d): the module cannot be unloaded, reboot this machine and report this\n",
		error);
	WRITE_ONCE(state_stays, true);
	for (;;)
		kern_wait_freezable(MAX_SCHEDULE_TIMEOUT);
}

static void fentry_unregister_direct(void)
{
	int id, ret;

	for (id = 0; id < NR_HOOKS; id++) {
		if (!(fentry_direct & BIT(id)))
			continue;
		ret = unregister_ftrace_direct(&fentry_direct_ops[id],
					       (unsigned long)sites[id].hook->gate, true);
		if (ret)
			fentry_stay(ret);
		fentry_direct &= ~BIT(id);
	}
}

static int __init fentry_register_direct(void)
{
	int id, ret;

	for (id = 0; id < NR_HOOKS; id++) {
		void *gate = sites[id].hook->gate;

		if (!gate)
			continue;
		ret = ftrace_set_filter_ip(&fentry_direct_ops[id], sites[id].ip, 0, 0) ?:
		      register_ftrace_direct(&fentry_direct_ops[id], (unsigned long)gate);
		if (ret) {
			ftrace_free_filter(&fentry_direct_ops[id]);
			fentry_unregister_direct();
			return ret;
		}
		fentry_direct |= BIT(id);
	}
	return 0;
}

/* Those that are not called directly. */
static int __init fentry_register_rest(struct ftrace_ops *ops)
{
	int id, ret = 0, tries = FENTRY_TRIES;

	for (id = 0; id < NR_HOOKS && !ret; id++)
		if (!(fentry_direct & BIT(id)))
			ret = ftrace_set_filter_ip(ops, sites[id].ip, 0, 0);
	if (!ret)
		do {
			ret = register_ftrace_function(ops);
		} while (ret == -EAGAIN && --tries);
	if (ret)
		ftrace_free_filter(ops);
	return ret;
}

/**
 * fentry_install() - redirect the hooked functions by ftrace
 * @direct: let functions call the gates of their hooks, where there is one
 *
 * Context: module init, may sleep.
 * Return: 0, or what ftrace returns, which is -EBUSY if another user has a direct
 * call; then nothing is redirected.
 */
int __init fentry_install(bool direct)
{
	int ret = direct ? fentry_register_direct() : 0;

	if (ret)
		return ret;
	ret = fentry_register_rest(&fentry_ops[direct]);
	if (ret) {
		fentry_unregister_direct();
		return ret;
	}

	/*
	 * Tasks that entered a function before and were preempted in it. Where the
	 * kernel is not preemptible this waits for less, and there is less to wait
	 * for: a task is not switched out inside one of those that queue and take tasks.
	 */
	synchronize_rcu_tasks();
	state_activate(direct ? "direct" : "ftrace");
	return 0;
}

/**
 * fentry_remove() - put the kernel's functions back
 *
 * Tasks may still run a hook on return. On a CPU with IBT, waits until BPF programs are detached
 * from the functions. Does not return if ftrace fails, see fentry_stay().
 *
 * Context: module exit, may sleep.
 */
void fentry_remove(void)
{
	unsigned long direct = fentry_direct;
	struct ftrace_ops *ops = &fentry_ops[!!direct];
	int ret;

	state_deactivate();
	fentry_unregister_direct();
	sites_wait_programs(direct);
	ret = unregister_ftrace_function(ops);
	if (ret)
		fentry_stay(ret);
	ftrace_free_filter(ops);
}
