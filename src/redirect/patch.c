// SPDX-License-Identifier: GPL-2.0-only
/*
 * Redirect by livepatch, and the hooks among other livepatches.
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
#include <linux/jiffies.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/sched.h>
#include <linux/xarray.h>

#include "hooks/sites.h"
#include "hooks/state.h"
#include "kern/kern.h"
#include "kern/resolve.h"
#include "redirect/patch.h"

#define PATCH_POLL_JIFFIES	msecs_to_jiffies(20)

typedef ssize_t patch_store_fn(struct kobject *kobj, struct kobj_attribute *attr,
			       const char *buf, size_t count);
DEFINE_STATIC_CALL_NULL(patch_store_enabled, patch_store_fn);

/* this one has been enabled: if it is not in the core's list, it was replaced */
static bool patch_own_enabled;

/* the livepatch core's own, which protects its list of patches */
static struct mutex *patch_core_lock;
static struct list_head *patch_core_patches;

/* livepatch modules that may be about to enable their patch */
static DEFINE_XARRAY(patch_coming);
/* serializes the notifier; taken before patch_core_lock */
static DEFINE_MUTEX(patch_lock);

/* 1 while the core's reference on the module has been given back */
static atomic_t patch_ref_given;

/* The hooks are active while they are in place and no other livepatch is in the way. */
static DEFINE_MUTEX(patch_state_lock);
static bool patch_in_place, patch_suspended;
/* rmmod: the hooks stay suspended. Protected by patch_lock */
static bool patch_leaving;

/*
 * Give the livepatch core's reference on the module back, so that the module can be unloaded,
 * which ends the patch. Does nothing if it is given back already.
 */
static void patch_give_ref(void)
{
	if (!atomic_xchg(&patch_ref_given, 1))
		module_put(THIS_MODULE);
}

/* Take that reference again, for the core to drop. */
static void patch_take_ref(void)
{
	if (atomic_xchg(&patch_ref_given, 0))
		__module_get(THIS_MODULE);
}

/* Process context, may sleep. Takes patch_state_lock, which nests in klp_mutex. */
static void patch_change(bool *state, bool to)
{
	bool was, active;

	mutex_lock(&patch_state_lock);
	was = patch_in_place && !patch_suspended;
	*state = to;
	active = patch_in_place && !patch_suspended;
	if (active && !was)
		state_activate("livepatch");
	if (was && !active)
		state_deactivate();
	mutex_unlock(&patch_state_lock);
}

static void patch_post_patch(struct klp_object *obj)
{
	patch_change(&patch_in_place, true);
}

static void patch_pre_unpatch(struct klp_object *obj)
{
	patch_change(&patch_in_place, false);
}

static void patch_post_unpatch(struct klp_object *obj)
{
	patch_take_ref();
}

static struct klp_func patch_funcs[NR_HOOKS + 1];

static struct klp_object patch_objs[] = {
	{
		.funcs = patch_funcs,
		.callbacks = {
			.post_patch = patch_post_patch,
			.pre_unpatch = patch_pre_unpatch,
			.post_unpatch = patch_post_unpatch,
		},
	},
	{ }
};

static struct klp_patch patch_own = {
	.mod = THIS_MODULE,
	.objs = patch_objs,
};

static bool patch_is_hooked(const char *name)
{
	int id;

	for (id = 0; id < NR_HOOKS; id++)
		if (!strcmp(name, sites[id].hook->body.name))
			return true;
	return false;
}

static bool patch_has_hooked_function(const struct klp_patch *patch)
{
	const struct klp_object *obj;
	const struct klp_func *func;

	for (obj = patch->objs; obj->funcs || obj->name; obj++) {
		if (obj->name)
			continue;
		for (func = obj->funcs; func->old_name; func++)
			if (patch_is_hooked(func->old_name))
				return true;
	}
	return false;
}

/*
 * Look for a patch of a hooked function. *@replaced: one has taken the place of ours. The core is
 * locked.
 */
static const struct klp_patch *patch_find_conflict(bool *replaced)
{
	const struct klp_patch *patch, *found = NULL;
	bool behind_own = false;

	*replaced = false;
	list_for_each_entry(patch, patch_core_patches, list) {
		if (patch == &patch_own)
			behind_own = true;
		else if (behind_own && patch->replace)
			*replaced = true;
		else if (!found && patch_has_hooked_function(patch))
			found = patch;
	}
	*replaced |= patch_own_enabled && !behind_own;
	return found;
}

/*
 * Stop or go on because of another livepatch, which may take over a hooked function
 * (@suspend), or may put an end to this patch, without a callback (@replaced). In that
 * case the core drops its reference, so it must have one.
 */
static void patch_suspend(bool suspend, bool replaced)
{
	if (replaced)
		patch_take_ref();
	patch_change(&patch_suspended, suspend);
	if (!replaced)
		patch_give_ref();
}

static int patch_come(struct module *mod)
{
	int ret = xa_err(xa_store(&patch_coming, (unsigned long)mod, mod, GFP_KERNEL));

	if (!ret)
		patch_suspend(true, true);
	return ret;
}

/* Its patch is enabled, or it has failed to, or it goes. */
static void patch_settle(struct module *mod)
{
	const struct klp_patch *conflict;
	bool replaced;

	xa_erase(&patch_coming, (unsigned long)mod);
	if (patch_leaving || !xa_empty(&patch_coming))
		return;

	/*
	 * Under this lock the core takes a patch off its list, and then drops its reference. None
	 * may be given back after that.
	 */
	mutex_lock(patch_core_lock);
	conflict = patch_find_conflict(&replaced);
	if (replaced)
		pr_warn("hooks stay inactive: a cumulative livepatch replaces all others; unload this module and load it again\n");
	else if (conflict)
		pr_warn("hooks stay inactive: livepatch %s patches a hooked function\n",
			conflict->mod->name);
	patch_suspend(conflict || replaced, replaced);
	mutex_unlock(patch_core_lock);
}

static int patch_notify(struct notifier_block *nb, unsigned long state, void *data)
{
	struct module *mod = data;
	int ret = 0;

	if (!is_livepatch_module(mod) || mod == THIS_MODULE)
		return NOTIFY_DONE;

	mutex_lock(&patch_lock);
	if (state == MODULE_STATE_COMING)
		ret = patch_come(mod);
	else if (state == MODULE_STATE_LIVE || state == MODULE_STATE_GOING)
		patch_settle(mod);
	mutex_unlock(&patch_lock);
	return notifier_from_errno(ret);
}

static struct notifier_block patch_notifier = {
	.notifier_call = patch_notify,
};

/* From now on look out for other livepatches. */
static int __init patch_watch(void)
{
	patch_core_lock = (struct mutex *)resolve_symbol("klp_mutex");
	patch_core_patches = (struct list_head *)resolve_symbol("klp_patches");
	if (!patch_core_lock || !patch_core_patches)
		return -ENOENT;
	return register_module_notifier(&patch_notifier);
}

/* Stop that; no callback is under way on return. */
static void patch_unwatch(void)
{
	unregister_module_notifier(&patch_notifier);
	xa_destroy(&patch_coming);
}

/* The patch's sysfs attribute is the only way to disable a patch. */
static struct kobj_attribute *patch_enabled_attr;

static struct kobj_attribute *__init patch_find_enabled_attr(void)
{
	const struct attribute_group **group;
	struct attribute **attr;

	for (group = patch_own.kobj.ktype->default_groups; group && *group; group++)
		for (attr = (*group)->attrs; *attr; attr++)
			if (!strcmp((*attr)->name, "enabled"))
				return container_of(*attr, struct kobj_attribute, attr);
	return NULL;
}

/**
 * patch_install() - redirect the hooked functions by livepatch
 *
 * Returns when the transition has begun. state_activate() is called when it
 * is complete.
 *
 * Context: module init, may sleep.
 * Return: 0, or what klp_enable_patch() returns, or -ENOENT if a symbol is
 * missing; then nothing is redirected.
 */
int __init patch_install(void)
{
	unsigned int i;
	int ret;

	for (i = 0; i < NR_HOOKS; i++) {
		patch_funcs[i].old_name = sites[i].hook->body.name;
		patch_funcs[i].new_func = sites[i].hook->func;
	}

	ret = patch_watch();
	if (ret)
		return ret;

	patch_give_ref();
	/* a patch that replaces this one must find it enabled */
	mutex_lock(&patch_lock);
	ret = klp_enable_patch(&patch_own);
	patch_own_enabled = !ret;
	mutex_unlock(&patch_lock);
	if (ret) {
		patch_unwatch();
		patch_take_ref();
		pr_err("livepatch refuses the hooks (error %d), see the line above\n", ret);
		return ret;
	}

	patch_enabled_attr = patch_find_enabled_attr();
	if (!patch_enabled_attr) {
		patch_take_ref();
		pr_warn("livepatch has no attribute 'enabled' here: rmmod is not possible\n");
		return 0;
	}
	static_call_update(patch_store_enabled, patch_enabled_attr->store);
	return 0;
}

/**
 * patch_remove() - put the kernel's functions back
 *
 * Tasks may still run a hook on return. Waits for the whole transition; on a CPU with IBT first
 * until BPF programs are detached from the functions.
 *
 * Context: module exit, may sleep.
 */
void patch_remove(void)
{
	/* the hooks are in use meanwhile, and other livepatches are watched */
	sites_wait_programs(0);
	/* then no more: a patch that replaces this one would end it while tasks need the hooks */
	mutex_lock(&patch_lock);
	patch_leaving = true;
	patch_change(&patch_suspended, true);
	mutex_unlock(&patch_lock);
	patch_unwatch();
	patch_take_ref();

	/*
	 * Reverses a transition that has not completed. Busy while another
	 * patch is in transition; already disabled if through sysfs.
	 */
	while (static_call(patch_store_enabled)(&patch_own.kobj, patch_enabled_attr, "0", 1) ==
	       -EBUSY)
		kern_wait_freezable(PATCH_POLL_JIFFIES);

	/*
	 * The core drops its reference after it has touched the patch for the
	 * last time. On the way out the count reads one lower than the
	 * references held: -1 is none. After a transition that was forced it never does.
	 */
	while (module_refcount(THIS_MODULE) >= 0) {
		if (READ_ONCE(patch_own.forced)) {
			pr_crit_once("a livepatch transition was forced: the module cannot be unloaded, reboot this machine\n");
			WRITE_ONCE(state_stays, true);
		}
		kern_wait_freezable(PATCH_POLL_JIFFIES);
	}
}

MODULE_INFO(livepatch, "Y");
