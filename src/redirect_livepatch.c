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
#include <linux/jiffies.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/sched/debug.h>
#include <linux/sched/signal.h>
#include <linux/workqueue.h>

#include "hooks.h"
#include "redirect.h"

#define POLL_MS		20
#define STALL_JIFFIES	(10 * HZ)
#define STALL_MAX_TASKS	5

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
	atomic_set(&ref_given, 1);
	module_put(THIS_MODULE);
}

static void take_ref(void)
{
	if (atomic_xchg(&ref_given, 0))
		__module_get(THIS_MODULE);
}

static void post_patch(struct klp_object *obj)
{
	hooks_activate();
}

static void pre_unpatch(struct klp_object *obj)
{
	hooks_deactivate();
}

static void post_unpatch(struct klp_object *obj)
{
	take_ref();
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

/*
 * What may hold up the removal: a task that has not left the patched functions
 * since, or one that stays in the kernel without ever giving up its CPU. For
 * the latter ftrace waits by an RCU-tasks grace period.
 */
static const char *stall_reason(struct task_struct *p)
{
	if (READ_ONCE(p->patch_state) == KLP_TRANSITION_PATCHED)
		return "to leave the patched functions";
#ifdef CONFIG_TASKS_RCU
	if (READ_ONCE(p->rcu_tasks_holdout))
		return "to give up its CPU";
#endif
	return NULL;
}

static void report_stall(struct work_struct *work);
static DECLARE_DELAYED_WORK(stall_work, report_stall);

static void report_stall(struct work_struct *work)
{
	struct task_struct *g, *p;
	unsigned int count = 0;

	rcu_read_lock();
	for_each_process_thread(g, p) {
		const char *reason = stall_reason(p);

		if (!reason || count++ >= STALL_MAX_TASKS)
			continue;
		pr_warn("unload waits for task %s[%d] %s\n", p->comm, p->pid, reason);
		sched_show_task(p);
	}
	rcu_read_unlock();
	if (count > STALL_MAX_TASKS)
		pr_warn("unload waits for %u more tasks\n", count - STALL_MAX_TASKS);

	queue_delayed_work(system_unbound_wq, &stall_work, STALL_JIFFIES);
}

/**
 * redirect_backend() - the means of redirection, for people
 *
 * Context: any.
 */
const char *redirect_backend(void)
{
	return "livepatch";
}

/**
 * redirect_install() - redirect the hooked functions
 *
 * Returns when the transition has begun. hooks_activate() is called when it
 * is complete.
 *
 * Context: module init, may sleep.
 * Return: 0, or what klp_enable_patch() returns; then nothing is redirected.
 */
int redirect_install(void)
{
	struct kobj_attribute *attr;
	unsigned int i;
	int ret;

	for (i = 0; i < NR_HOOKS; i++) {
		funcs[i].old_name = hooks[i].body.name;
		funcs[i].new_func = hooks[i].func;
	}

	give_ref();
	ret = klp_enable_patch(&patch);
	if (ret) {
		take_ref();
		pr_err("livepatch refuses the hooks (error %d), see the line above\n", ret);
		return ret;
	}

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
	take_ref();
	queue_delayed_work(system_unbound_wq, &stall_work, STALL_JIFFIES);

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

	/* a task preempted behind its last call in a hook */
	synchronize_rcu_tasks();
	cancel_delayed_work_sync(&stall_work);
}
