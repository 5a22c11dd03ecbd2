// SPDX-License-Identifier: GPL-2.0-only
/*
 * Redirect by livepatch.
 *
 * The livepatch core holds a reference on the module for as long as the patch
 * exists, which would make rmmod fail. That reference is given back before
 * the patch is enabled and taken again, once, before the core drops its own:
 * when removal begins, or when somebody has disabled the patch through sysfs.
 */
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/livepatch.h>
#include <linux/module.h>

#include "hooks.h"
#include "redirect.h"

#define POLL_MS		20

typedef ssize_t store_fn(struct kobject *kobj, struct kobj_attribute *attr,
			 const char *buf, size_t count);
DEFINE_STATIC_CALL_NULL(store_enabled, store_fn);

static struct klp_func funcs[NR_HOOKS + 1];

static void post_patch(struct klp_object *obj);
static void pre_unpatch(struct klp_object *obj);
static void post_unpatch(struct klp_object *obj);

static struct klp_object objs[] = {
	{
		.funcs = funcs,
		.callbacks = {
			.post_patch = post_patch,
			.pre_unpatch = pre_unpatch,
			.post_unpatch = post_unpatch,
		},
	},
	{ }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objs,
};

/* 1 while the core's reference on the module has been given back */
static atomic_t ref_given;

static void give_ref(void)
{
	if (!atomic_xchg(&ref_given, 1))
		module_put(THIS_MODULE);
}

static void take_ref(void)
{
	if (atomic_xchg(&ref_given, 0))
		__module_get(THIS_MODULE);
}

/* The hooks are active while they are in place and no other livepatch is in the way. */
static DEFINE_MUTEX(state_lock);
static bool in_place, suspended;

static void change(bool *state, bool to)
{
	bool was, active;

	mutex_lock(&state_lock);
	was = in_place && !suspended;
	*state = to;
	active = in_place && !suspended;
	if (active && !was)
		hooks_activate();
	if (was && !active)
		hooks_deactivate();
	mutex_unlock(&state_lock);
}

static void post_patch(struct klp_object *obj)
{
	change(&in_place, true);
}

static void pre_unpatch(struct klp_object *obj)
{
	change(&in_place, false);
}

static void post_unpatch(struct klp_object *obj)
{
	take_ref();
}

/**
 * redirect_livepatch_suspend() - stop or go on because of another livepatch
 * @suspend: the other one may take over a hooked function
 * @replaced: it may put an end to this patch, without a callback. The core
 *	then drops its reference, so it must have one.
 *
 * Context: process, may sleep. Takes state_lock, which nests in klp_mutex.
 */
void redirect_livepatch_suspend(bool suspend, bool replaced)
{
	if (replaced)
		take_ref();
	change(&suspended, suspend);
	if (!replaced)
		give_ref();
}

/* The patch's sysfs attribute is the only way to disable a patch. */
static struct kobj_attribute *find_enabled_attr(void)
{
	const struct attribute_group **group;
	struct attribute **attr;

	for (group = patch.kobj.ktype->default_groups; group && *group; group++)
		for (attr = (*group)->attrs; *attr; attr++)
			if (!strcmp((*attr)->name, "enabled"))
				return container_of(*attr, struct kobj_attribute, attr);
	return NULL;
}

/**
 * redirect_livepatch_install() - redirect the hooked functions by livepatch
 *
 * Returns when the transition has begun. hooks_activate() is called when it
 * is complete.
 *
 * Context: module init, may sleep.
 * Return: 0, or what klp_enable_patch() returns, or -ENOENT if a symbol is
 * missing; then nothing is redirected.
 */
int __init redirect_livepatch_install(void)
{
	struct kobj_attribute *attr;
	unsigned int i;
	int ret;

	for (i = 0; i < NR_HOOKS; i++) {
		funcs[i].old_name = hook_sites[i].hook->body.name;
		funcs[i].new_func = hook_sites[i].hook->func;
	}

	ret = redirect_peers_watch(&patch);
	if (ret)
		return ret;

	give_ref();
	ret = klp_enable_patch(&patch);
	if (ret) {
		redirect_peers_unwatch();
		take_ref();
		pr_err("livepatch refuses the hooks (error %d), see the line above\n", ret);
		return ret;
	}

	redirect_peers_enabled();

	attr = find_enabled_attr();
	if (!attr) {
		take_ref();
		pr_warn("livepatch has no attribute 'enabled' here: rmmod is not possible\n");
		return 0;
	}
	static_call_update(store_enabled, attr->store);
	return 0;
}

/**
 * redirect_livepatch_remove() - put the kernel's functions back
 *
 * Context: module exit, may sleep.
 */
void redirect_livepatch_remove(void)
{
	redirect_peers_unwatch();
	take_ref();

	/*
	 * Reverses a transition that has not completed. Busy while somebody
	 * else's patch is in transition; already disabled if through sysfs.
	 */
	while (static_call(store_enabled)(&patch.kobj, find_enabled_attr(), "0", 1) == -EBUSY)
		msleep(POLL_MS);

	/*
	 * The core drops its reference after it has touched the patch for the
	 * last time. On the way out the count reads one lower than the
	 * references held: -1 is none.
	 */
	while (module_refcount(THIS_MODULE) >= 0)
		msleep(POLL_MS);

	redirect_wait_tasks();
}

MODULE_INFO(livepatch, "Y");
