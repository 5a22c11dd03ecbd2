// SPDX-License-Identifier: GPL-2.0-only
/* Redirect by livepatch. For the references on the module see peers.c. */
#include <linux/delay.h>
#include <linux/livepatch.h>
#include <linux/module.h>

#include "hooks/sites.h"
#include "redirect/patch.h"
#include "redirect/peers.h"

#define PATCH_POLL_MS	20

typedef ssize_t patch_store_fn(struct kobject *kobj, struct kobj_attribute *attr,
			       const char *buf, size_t count);
DEFINE_STATIC_CALL_NULL(patch_store_enabled, patch_store_fn);

static void patch_post_patch(struct klp_object *obj)
{
	peers_set_in_place(true);
}

static void patch_pre_unpatch(struct klp_object *obj)
{
	peers_set_in_place(false);
}

static void patch_post_unpatch(struct klp_object *obj)
{
	peers_take_ref();
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

/* The patch's sysfs attribute is the only way to disable a patch. */
static struct kobj_attribute *patch_find_enabled_attr(void)
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
	struct kobj_attribute *attr;
	unsigned int i;
	int ret;

	for (i = 0; i < NR_HOOKS; i++) {
		patch_funcs[i].old_name = sites[i].hook->body.name;
		patch_funcs[i].new_func = sites[i].hook->func;
	}

	ret = peers_watch(&patch_own);
	if (ret)
		return ret;

	peers_give_ref();
	ret = klp_enable_patch(&patch_own);
	if (ret) {
		peers_unwatch();
		peers_take_ref();
		pr_err("livepatch refuses the hooks (error %d), see the line above\n", ret);
		return ret;
	}

	peers_enabled();

	attr = patch_find_enabled_attr();
	if (!attr) {
		peers_take_ref();
		pr_warn("livepatch has no attribute 'enabled' here: rmmod is not possible\n");
		return 0;
	}
	static_call_update(patch_store_enabled, attr->store);
	return 0;
}

/**
 * patch_remove() - put the kernel's functions back
 *
 * Tasks may still run a hook on return.
 *
 * Context: module exit, may sleep.
 */
void patch_remove(void)
{
	peers_unwatch();
	peers_take_ref();

	/*
	 * Reverses a transition that has not completed. Busy while another
	 * patch is in transition; already disabled if through sysfs.
	 */
	while (static_call(patch_store_enabled)(&patch_own.kobj, patch_find_enabled_attr(), "0",
						1) == -EBUSY)
		msleep(PATCH_POLL_MS);

	/*
	 * The core drops its reference after it has touched the patch for the
	 * last time. On the way out the count reads one lower than the
	 * references held: -1 is none.
	 */
	while (module_refcount(THIS_MODULE) >= 0)
		msleep(PATCH_POLL_MS);
}

MODULE_INFO(livepatch, "Y");
