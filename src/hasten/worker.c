// SPDX-License-Identifier: GPL-2.0-only
/* Threads that do some work for a task that attaches or removes a scheduler. */
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/printk.h>

#include "hasten/worker.h"

/**
 * worker_start() - start a thread
 * @worker: what the thread works for
 * @name: its name
 *
 * Waits for a fork. If there is none, reports that what it is for is not done.
 *
 * Context: process, may sleep.
 * Return: the thread, to be ended by kthread_stop(); NULL if there is none.
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
