// SPDX-License-Identifier: GPL-2.0-only
/*
 * Other livepatches that come while the hooks are installed by livepatch.
 *
 * One that patches a hooked function is stacked on top of the hook, which is
 * then no longer called; a cumulative one (.replace) ends all patches before
 * it, without a callback. Either would strand the tasks on the bypass DSQs. So
 * the hooks are made inactive before such a module may enable its patch, and
 * active again if it has turned out to be harmless, or is gone.
 */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/xarray.h>

#include "hooks.h"
#include "kern_load.h"
#include "redirect.h"

static const struct klp_patch *own;
/* @own has been enabled: if it is not in the core's list, it was replaced */
static bool own_enabled;

/* the livepatch core's own, which protects its list of patches */
static struct mutex *core_lock;
static struct list_head *core_patches;

/* livepatch modules that may be about to enable their patch */
static DEFINE_XARRAY(coming);
/* serializes the notifier; taken before core_lock */
static DEFINE_MUTEX(peers_lock);

static bool is_hooked(const char *name)
{
	int id;

	for (id = 0; id < NR_HOOKS; id++)
		if (!strcmp(name, hook_sites[id].hook->body.name))
			return true;
	return false;
}

static bool patches_hooked_function(const struct klp_patch *patch)
{
	const struct klp_object *obj;
	const struct klp_func *func;

	for (obj = patch->objs; obj->funcs || obj->name; obj++) {
		if (obj->name)
			continue;
		for (func = obj->funcs; func->old_name; func++)
			if (is_hooked(func->old_name))
				return true;
	}
	return false;
}

/* Look for a patch of a hooked function. *@replaced: one has taken the place of ours. */
static const struct klp_patch *find_conflict(bool *replaced)
{
	const struct klp_patch *patch, *found = NULL;
	bool behind_own = false;

	*replaced = false;
	mutex_lock(core_lock);
	list_for_each_entry(patch, core_patches, list) {
		if (patch == own)
			behind_own = true;
		else if (behind_own && patch->replace)
			*replaced = true;
		else if (!found && patches_hooked_function(patch))
			found = patch;
	}
	*replaced |= own_enabled && !behind_own;
	mutex_unlock(core_lock);
	return found;
}

static int peer_comes(struct module *mod)
{
	int ret = xa_err(xa_store(&coming, (unsigned long)mod, mod, GFP_KERNEL));

	if (!ret)
		redirect_livepatch_suspend(true, true);
	return ret;
}

/* Its patch is enabled, or it has failed to, or it goes. */
static void peer_is_settled(struct module *mod)
{
	const struct klp_patch *conflict;
	bool replaced;

	xa_erase(&coming, (unsigned long)mod);
	if (!xa_empty(&coming))
		return;

	conflict = find_conflict(&replaced);
	if (replaced)
		pr_warn("hooks stay inactive: a cumulative livepatch replaces all others, load this module again to have it work\n");
	else if (conflict)
		pr_warn("hooks stay inactive: livepatch %s patches a hooked function\n",
			conflict->mod->name);
	redirect_livepatch_suspend(conflict || replaced, replaced);
}

static int notify(struct notifier_block *nb, unsigned long state, void *data)
{
	struct module *mod = data;
	int ret = 0;

	if (!is_livepatch_module(mod) || mod == THIS_MODULE)
		return NOTIFY_DONE;

	mutex_lock(&peers_lock);
	if (state == MODULE_STATE_COMING)
		ret = peer_comes(mod);
	else if (state == MODULE_STATE_LIVE || state == MODULE_STATE_GOING)
		peer_is_settled(mod);
	mutex_unlock(&peers_lock);
	return notifier_from_errno(ret);
}

static struct notifier_block notifier = {
	.notifier_call = notify,
};

/**
 * redirect_peers_watch() - from now on look out for other livepatches
 * @patch: this module's patch, not enabled yet
 *
 * Context: module init, may sleep.
 * Return: 0, or -ENOENT if a symbol is missing.
 */
int __init redirect_peers_watch(const struct klp_patch *patch)
{
	own = patch;
	core_lock = (struct mutex *)kern_find_symbol("klp_mutex");
	core_patches = (struct list_head *)kern_find_symbol("klp_patches");
	if (!core_lock || !core_patches)
		return -ENOENT;
	return register_module_notifier(&notifier);
}

/**
 * redirect_peers_enabled() - the patch of redirect_peers_watch() is enabled
 *
 * Context: module init, may sleep.
 */
void __init redirect_peers_enabled(void)
{
	mutex_lock(&peers_lock);
	own_enabled = true;
	mutex_unlock(&peers_lock);
}

/**
 * redirect_peers_unwatch() - stop that; no callback is under way on return
 *
 * Context: module init or exit, may sleep.
 */
void redirect_peers_unwatch(void)
{
	unregister_module_notifier(&notifier);
	xa_destroy(&coming);
}
