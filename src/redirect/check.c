// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which other users do the hooked functions have?
 *
 * Tracing one goes on as before: a probe or a BPF program runs when the
 * function is entered, whatever then takes the call. Two that both take it
 * cannot be: the later one would undo what the earlier one has done.
 */
#include <linux/ftrace.h>
#include <linux/module.h>
#include <linux/mutex.h>

#include "hooks/sites.h"
#include "kern/kern.h"
#include "kern/resolve.h"
#include "redirect/check.h"

static int __init check_one(const struct site *site, const struct dyn_ftrace *rec,
			    bool *direct_taken)
{
	const char *name = site->hook->body.name;

	if (rec->flags & FTRACE_FL_IPMODIFY) {
		pr_err("function %s is redirected by somebody else (a livepatch, or a probe with a post handler), see enabled_functions in tracefs: unload that first\n",
		       name);
		return -EBUSY;
	}
	if (ftrace_rec_count(rec))
		pr_info("function %s is being traced, which goes on\n", name);
	if (site->hook->gate && (rec->flags & FTRACE_FL_DIRECT))
		*direct_taken = true;
	return 0;
}

static int __init check_all(bool *direct_taken)
{
	struct ftrace_rec_iter *iter = static_call(kern_ftrace_rec_iter_start)();
	int ret = 0;
	int id;

	for (; iter && !ret; iter = static_call(kern_ftrace_rec_iter_next)(iter)) {
		struct dyn_ftrace *rec = static_call(kern_ftrace_rec_iter_record)(iter);

		for (id = 0; id < NR_HOOKS && !ret; id++)
			if (rec->ip == sites[id].ip)
				ret = check_one(&sites[id], rec, direct_taken);
	}
	return ret;
}

/**
 * check_sites() - can the hooked functions be redirected?
 * @direct_taken: another user has a direct call in one that would need it
 *
 * Context: module init, may sleep. Takes ftrace's lock.
 * Return: 0; -EBUSY if one is redirected already; -EOPNOTSUPP if ftrace
 * is switched off; -ENOENT if a symbol is missing.
 */
int __init check_sites(bool *direct_taken)
{
	int *enabled = (int *)resolve_symbol("ftrace_enabled");
	struct mutex *lock = (struct mutex *)resolve_symbol("ftrace_lock");
	int ret;

	*direct_taken = !IS_ENABLED(CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS);
	if (!enabled || !lock)
		return -ENOENT;

	mutex_lock(lock);
	if (READ_ONCE(*enabled)) {
		ret = check_all(direct_taken);
	} else {
		pr_err("ftrace is switched off (sysctl kernel.ftrace_enabled), so nothing can be hooked\n");
		ret = -EOPNOTSUPP;
	}
	mutex_unlock(lock);
	return ret;
}
