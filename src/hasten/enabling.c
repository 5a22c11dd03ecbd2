// SPDX-License-Identifier: GPL-2.0-only
/*
 * The task that attaches a scheduler should be done soon, and must not wait for the tasks that
 * it has yet to move: nobody can fork meanwhile.
 *
 * scx_enable() moves the tasks of the fair class to sched_ext one after the other, from the
 * oldest on, and the task that calls it is one of them. From then on it runs after those that
 * are left in the fair class. If these keep all CPUs busy it never runs again. So when it is
 * seen waiting in sched_ext it becomes a real-time task of the lowest priority, until it leaves
 * bypass. Newer kernels do all of this work in a real-time thread.
 *
 * Before that it stays in the fair class, with the lowest nice value: where real-time tasks
 * keep all CPUs busy, the kernel still gives the fair class a share. Without the module the
 * tasks of a scheduler that has just gone are still on few CPUs, and the attaching task has one
 * for itself; with it they are on all CPUs.
 *
 * A real-time thread looks after the attaching task. It runs only while there is one.
 */
#include <linux/bitops.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/sched/rt.h>
#include <linux/sched/task.h>
#include <uapi/linux/sched/types.h>

#include "hasten/enabling.h"
#include "kern/kern.h"

/* between two looks of the thread */
#define ENABLING_LOOK_US	2000
/* how often the next task tries, as the thread has yet to release the last one */
#define ENABLING_TRIES		10

/*
 * Protects the record. Nobody waits for it: a task that holds it may be preempted. What a task
 * could not do the thread does, at its next look.
 */
static unsigned long enabling_busy;

/*
 * The record: the task, a reference is held, or NULL; what it was, and what it has been made;
 * for how long it had run when it was seen waiting.
 */
static struct task_struct *enabling_task;
static struct sched_attr enabling_was, enabling_is;
static u64 enabling_slack_ns, enabling_ran_ns;

static struct kthread_worker enabling_worker;
static struct kthread_work enabling_work;
static struct task_struct *enabling_thread;

static bool enabling_try_lock(void)
{
	return !test_and_set_bit_lock(0, &enabling_busy);
}

static void enabling_unlock(void)
{
	clear_bit_unlock(0, &enabling_busy);
}

/*
 * The policy may change just behind this. Then what was done there is overridden, for as long as
 * the scheduler is being attached.
 */
static bool enabling_is_unchanged(const struct task_struct *p)
{
	return READ_ONCE(p->policy) == enabling_is.sched_policy &&
	       READ_ONCE(p->rt_priority) == enabling_is.sched_priority;
}

/* The record is locked. */
static void enabling_record(struct task_struct *p)
{
	const struct sched_attr was = {
		.sched_policy = p->policy,
		.sched_nice = task_nice(p),
		.sched_flags = kern_task_resets_on_fork(p) ? SCHED_FLAG_RESET_ON_FORK : 0,
		.sched_runtime = p->se.custom_slice ? p->se.slice : 0,
	};
	struct sched_attr first = was;

	enabling_was = was;
	enabling_slack_ns = p->timer_slack_ns;
	enabling_ran_ns = 0;
	if (p->policy == SCHED_IDLE)
		first.sched_policy = SCHED_NORMAL;
	first.sched_nice = MIN_NICE;
	enabling_is = sched_setattr_nocheck(p, &first) ? was : first;
	WRITE_ONCE(enabling_task, get_task_struct(p));
}

/* The record is locked. Make the task what it was, but for what others have changed. */
static void enabling_release(void)
{
	struct task_struct *p = enabling_task;
	struct sched_attr was = enabling_was, normal;

	if (task_nice(p) != enabling_is.sched_nice)
		was.sched_nice = task_nice(p);
	if (enabling_is_unchanged(p)) {
		bool had_no_slack = !p->timer_slack_ns;

		/*
		 * SCHED_IDLE keeps the nice value and the slice that the task had before. And
		 * a BPF scheduler may not want the task to have SCHED_EXT any more.
		 */
		normal = was;
		normal.sched_policy = SCHED_NORMAL;
		if (was.sched_policy == SCHED_IDLE || sched_setattr_nocheck(p, &was))
			sched_setattr_nocheck(p, &normal);
		if (was.sched_policy == SCHED_IDLE)
			sched_setattr_nocheck(p, &was);
		/* real-time tasks have none */
		if (had_no_slack)
			p->timer_slack_ns = enabling_slack_ns;
	}
	WRITE_ONCE(enabling_task, NULL);
	put_task_struct(p);
}

/* The record is locked. Does the task wait in sched_ext, and has waited at the last look? */
static bool enabling_waits(const struct task_struct *p)
{
	u64 ran_ns = READ_ONCE(p->se.sum_exec_runtime);
	bool waits = READ_ONCE(p->scx.dsq) && ran_ns == enabling_ran_ns;

	enabling_ran_ns = ran_ns;
	return waits;
}

/*
 * With CONFIG_RT_GROUP_SCHED a group may have no time for real-time tasks, and a real-time task
 * may get less than one of sched_ext: there it stays as it is.
 */
static void enabling_raise(struct task_struct *p)
{
	struct sched_attr fifo = enabling_is;

	if (IS_ENABLED(CONFIG_RT_GROUP_SCHED) || enabling_is.sched_priority ||
	    !enabling_is_unchanged(p))
		return;
	fifo.sched_policy = SCHED_FIFO;
	fifo.sched_priority = 1;
	if (!sched_setattr_nocheck(p, &fifo))
		enabling_is = fifo;
}

/*
 * The thread's work. A task that failed to attach a scheduler does not leave bypass itself, but
 * it gives the mutex back.
 */
static void enabling_watch(struct kthread_work *work)
{
	while (READ_ONCE(enabling_task)) {
		if (enabling_try_lock()) {
			struct task_struct *p = enabling_task;

			if (p && p != kern_attaching_task())
				enabling_release();
			else if (p && enabling_waits(p))
				enabling_raise(p);
			enabling_unlock();
		}
		usleep_range(ENABLING_LOOK_US / 2, ENABLING_LOOK_US);
	}
}

static void enabling_begin(void)
{
	int tries = ENABLING_TRIES;
	bool recorded = false;

	while (!recorded && tries--) {
		if (enabling_try_lock()) {
			recorded = !enabling_task;
			if (recorded)
				enabling_record(current);
			enabling_unlock();
		}
		if (!recorded)
			usleep_range(ENABLING_LOOK_US / 2, ENABLING_LOOK_US);
	}
	kthread_queue_work(&enabling_worker, &enabling_work);
}

static void enabling_end(void)
{
	if (!enabling_try_lock())
		return;
	if (enabling_task)
		enabling_release();
	enabling_unlock();
}

/**
 * enabling_update() - act on a change of bypass
 * @bypass: the argument of scx_bypass(), which has returned
 *
 * The task that attaches a scheduler enters bypass, does its work, and leaves bypass. It is
 * known by the mutex that it holds. Others that enter bypass do not hold it, or, like the thread
 * in which some kernels attach schedulers, are real-time tasks.
 *
 * Context: process, may sleep. Takes the locks of sched_setscheduler().
 */
void enabling_update(bool bypass)
{
	if (bypass && kern_attaching_task() == current && !rt_or_dl_task_policy(current))
		enabling_begin();
	if (!bypass && READ_ONCE(enabling_task) == current)
		enabling_end();
}

/**
 * enabling_init() - set up what enabling_update() uses
 *
 * Context: process.
 */
void __init enabling_init(void)
{
	kthread_init_worker(&enabling_worker);
	kthread_init_work(&enabling_work, enabling_watch);
}

/**
 * enabling_start() - start the thread that looks after the attaching task
 *
 * Waits for a fork. So the hooks should be there: in a bypass that they relieve this is faster.
 *
 * Context: process, may sleep. After enabling_init().
 * Return: 0, or a negative errno if there is no thread to be had.
 */
int __init enabling_start(void)
{
	struct task_struct *thread = kthread_run(kthread_worker_fn, &enabling_worker,
						 "scx_bypass_lb");

	if (IS_ERR(thread))
		return PTR_ERR(thread);
	sched_set_fifo_low(thread);
	enabling_thread = thread;
	return 0;
}

/**
 * enabling_exit() - end the thread
 *
 * Waits for the task that is attaching a scheduler, if any: it is not left half way.
 *
 * Context: process, may sleep. Nothing calls enabling_update() any more.
 */
void enabling_exit(void)
{
	if (enabling_thread) {
		/* where real-time tasks keep all CPUs busy, it would never end */
		sched_set_normal(enabling_thread, 0);
		kthread_flush_worker(&enabling_worker);
		kthread_stop(enabling_thread);
	}
	enabling_end();
}
