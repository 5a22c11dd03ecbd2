// SPDX-License-Identifier: GPL-2.0-only
/* Report the tasks that hold up the removal of the hooks. */
#include <linux/jiffies.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/sched/debug.h>
#include <linux/sched/signal.h>
#include <linux/workqueue.h>

#include "hooks/state.h"
#include "redirect/stall.h"

#define STALL_JIFFIES	(10 * HZ)
#define STALL_MAX_TASKS	5

static bool stall_in_transition;

static void stall_report(struct work_struct *work);
static DECLARE_DELAYED_WORK(stall_work, stall_report);

/*
 * What may hold up the removal: with livepatch a task that has not left the
 * patched functions since; with ftrace, which livepatch uses, a task that
 * stays in the kernel without ever giving up its CPU, because of which an
 * RCU-tasks grace period does not end.
 */
static const char *stall_reason(struct task_struct *p)
{
#ifdef CONFIG_LIVEPATCH
	if (stall_in_transition && READ_ONCE(p->patch_state) == KLP_TRANSITION_PATCHED)
		return "to leave the patched functions";
#endif
#ifdef CONFIG_TASKS_RCU
	if (READ_ONCE(p->rcu_tasks_holdout))
		return "to give up its CPU";
#endif
	return NULL;
}

static void stall_report(struct work_struct *work)
{
	struct task_struct *g, *p;
	unsigned int count = 0;

	if (!state_is_idle())
		pr_warn("unload waits for a task inside scx_bypass()\n");

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
 * stall_watch() - from now on report tasks that hold up the removal
 * @livepatch: the removal is a livepatch transition
 *
 * Context: process.
 */
void stall_watch(bool livepatch)
{
	stall_in_transition = livepatch;
	queue_delayed_work(system_unbound_wq, &stall_work, STALL_JIFFIES);
}

/**
 * stall_unwatch() - the removal is done
 *
 * Context: process, may sleep.
 */
void stall_unwatch(void)
{
	cancel_delayed_work_sync(&stall_work);
}
