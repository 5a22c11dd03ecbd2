// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hooks among livepatches, when livepatch installs them.
 *
 * The livepatch core holds a reference on the module for as long as the patch
 * exists, which would make rmmod fail. That reference is given back before
 * the patch is enabled and taken again, once, before the core drops its own:
 * when removal begins, or when the patch was disabled through sysfs.
 *
 * Another livepatch of a hooked function is stacked on top of the hook, which is
 * then no longer called; a cumulative one (.replace) ends all patches before
 * it, without a callback. Either would strand the tasks on the bypass DSQs. So
 * the hooks are made inactive before such a module may enable its patch, and
 * active again if it has turned out to be harmless, or is gone.
 */
#include <linux/atomic.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/xarray.h>

#include "hooks/sites.h"
#include "hooks/state.h"
#include "kern/resolve.h"
#include "redirect/peers.h"

static const struct klp_patch *peers_own;
/* @peers_own has been enabled: if it is not in the core's list, it was replaced */
static bool peers_own_enabled;

/* the livepatch core's own, which protects its list of patches */
static struct mutex *peers_core_lock;
static struct list_head *peers_core_patches;

/* livepatch modules that may be about to enable their patch */
static DEFINE_XARRAY(peers_coming);
/* serializes the notifier; taken before peers_core_lock */
static DEFINE_MUTEX(peers_lock);

/* 1 while the core's reference on the module has been given back */
static atomic_t peers_ref_given;

/* The hooks are active while they are in place and no other livepatch is in the way. */
static DEFINE_MUTEX(peers_state_lock);
static bool peers_in_place, peers_suspended;

/**
 * peers_give_ref() - give the livepatch core's reference on the module back
 *
 * So that the module can be unloaded, which ends the patch. Does nothing if it is given
 * back already.
 *
 * Context: any.
 */
void peers_give_ref(void)
{
	if (!atomic_xchg(&peers_ref_given, 1))
		module_put(THIS_MODULE);
}

/**
 * peers_take_ref() - take that reference again, for the core to drop
 *
 * Context: any.
 */
void peers_take_ref(void)
{
	if (atomic_xchg(&peers_ref_given, 0))
		__module_get(THIS_MODULE);
}

/* Process context, may sleep. Takes peers_state_lock, which nests in klp_mutex. */
static void peers_change(bool *state, bool to)
{
	bool was, active;

	mutex_lock(&peers_state_lock);
	was = peers_in_place && !peers_suspended;
	*state = to;
	active = peers_in_place && !peers_suspended;
	if (active && !was)
		state_activate("livepatch");
	if (was && !active)
		state_deactivate();
	mutex_unlock(&peers_state_lock);
}

/**
 * peers_set_in_place() - every task runs the hooks, or this is about to end
 * @in_place: which of the two
 *
 * Makes the hooks active, unless another livepatch is in the way, or inactive.
 *
 * Context: process, may sleep, klp_mutex held. Takes peers_state_lock.
 */
void peers_set_in_place(bool in_place)
{
	peers_change(&peers_in_place, in_place);
}

static bool peers_is_hooked(const char *name)
{
	int id;

	for (id = 0; id < NR_HOOKS; id++)
		if (!strcmp(name, sites[id].hook->body.name))
			return true;
	return false;
}

static bool peers_has_hooked_function(const struct klp_patch *patch)
{
	const struct klp_object *obj;
	const struct klp_func *func;

	for (obj = patch->objs; obj->funcs || obj->name; obj++) {
		if (obj->name)
			continue;
		for (func = obj->funcs; func->old_name; func++)
			if (peers_is_hooked(func->old_name))
				return true;
	}
	return false;
}

/* Look for a patch of a hooked function. *@replaced: one has taken the place of ours. */
static const struct klp_patch *peers_find_conflict(bool *replaced)
{
	const struct klp_patch *patch, *found = NULL;
	bool behind_own = false;

	*replaced = false;
	mutex_lock(peers_core_lock);
	list_for_each_entry(patch, peers_core_patches, list) {
		if (patch == peers_own)
			behind_own = true;
		else if (behind_own && patch->replace)
			*replaced = true;
		else if (!found && peers_has_hooked_function(patch))
			found = patch;
	}
	*replaced |= peers_own_enabled && !behind_own;
	mutex_unlock(peers_core_lock);
	return found;
}

/*
 * Stop or go on because of another livepatch, which may take over a hooked function
 * (@suspend), or may put an end to this patch, without a callback (@replaced). In that
 * case the core drops its reference, so it must have one.
 */
static void peers_suspend(bool suspend, bool replaced)
{
	if (replaced)
		peers_take_ref();
	peers_change(&peers_suspended, suspend);
	if (!replaced)
		peers_give_ref();
}

static int peers_come(struct module *mod)
{
	int ret = xa_err(xa_store(&peers_coming, (unsigned long)mod, mod, GFP_KERNEL));

	if (!ret)
		peers_suspend(true, true);
	return ret;
}

/* Its patch is enabled, or it has failed to, or it goes. */
static void peers_settle(struct module *mod)
{
	const struct klp_patch *conflict;
	bool replaced;

	xa_erase(&peers_coming, (unsigned long)mod);
	if (!xa_empty(&peers_coming))
		return;

	conflict = peers_find_conflict(&replaced);
	if (replaced)
		pr_warn("hooks stay inactive: a cumulative livepatch replaces all others; unload this module and load it again\n");
	else if (conflict)
		pr_warn("hooks stay inactive: livepatch %s patches a hooked function\n",
			conflict->mod->name);
	peers_suspend(conflict || replaced, replaced);
}

static int peers_notify(struct notifier_block *nb, unsigned long state, void *data)
{
	struct module *mod = data;
	int ret = 0;

	if (!is_livepatch_module(mod) || mod == THIS_MODULE)
		return NOTIFY_DONE;

	mutex_lock(&peers_lock);
	if (state == MODULE_STATE_COMING)
		ret = peers_come(mod);
	else if (state == MODULE_STATE_LIVE || state == MODULE_STATE_GOING)
		peers_settle(mod);
	mutex_unlock(&peers_lock);
	return notifier_from_errno(ret);
}

static struct notifier_block peers_notifier = {
	.notifier_call = peers_notify,
};

/**
 * peers_watch() - from now on look out for other livepatches
 * @patch: this module's patch, not enabled yet
 *
 * Context: module init, may sleep.
 * Return: 0, or -ENOENT if a symbol is missing.
 */
int __init peers_watch(const struct klp_patch *patch)
{
	peers_own = patch;
	peers_core_lock = (struct mutex *)resolve_symbol("klp_mutex");
	peers_core_patches = (struct list_head *)resolve_symbol("klp_patches");
	if (!peers_core_lock || !peers_core_patches)
		return -ENOENT;
	return register_module_notifier(&peers_notifier);
}

/**
 * peers_enabled() - the patch of peers_watch() is enabled
 *
 * Context: module init, may sleep.
 */
void __init peers_enabled(void)
{
	mutex_lock(&peers_lock);
	peers_own_enabled = true;
	mutex_unlock(&peers_lock);
}

/**
 * peers_unwatch() - stop that; no callback is under way on return
 *
 * Context: module init or exit, may sleep.
 */
void peers_unwatch(void)
{
	unregister_module_notifier(&peers_notifier);
	xa_destroy(&peers_coming);
}
