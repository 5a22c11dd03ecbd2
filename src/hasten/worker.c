// SPDX-License-Identifier: GPL-2.0-only
/* Threads that do some work for a task that attaches a scheduler, or for one that removes it. */
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/sched/prio.h>
#include <uapi/linux/sched/types.h>

#include "hasten/worker.h"

/**
 * worker_start() - start a thread
 * @worker: what the thread works for
 * @name: its name
 *
 * Waits until the thread is created. If that fails, reports that its work is not done.
 *
 * Context: process, may sleep.
 * Return: the thread, to be ended by worker_stop(); NULL if it could not be created.
 */
struct task_struct *__init worker_start(struct kthread_worker *worker, const char *name)
{
	struct task_struct *thread;

	kthread_init_worker(worker);
	thread = kthread_run(kthread_worker_fn, worker, "%s", name);
	if (!IS_ERR(thread))
		return thread;
	pr_warn("no thread %s (error %ld): its work is not done\n", name, PTR_ERR(thread));
	return NULL;
}

/**
 * worker_stop() - let a thread end its work, and end
 * @worker: what it works for
 * @thread: the thread
 *
 * For this it gets a high real-time priority: where real-time tasks keep all CPUs busy it would not
 * even end.
 *
 * Context: process, may sleep. Takes the locks of sched_setscheduler().
 */
void worker_stop(struct kthread_worker *worker, struct task_struct *thread)
{
	const struct sched_attr first = {
		.sched_policy = SCHED_FIFO, .sched_priority = MAX_RT_PRIO - 1,
	};

	sched_setattr_nocheck(thread, &first);
	kthread_flush_worker(worker);
	kthread_stop(thread);
}
