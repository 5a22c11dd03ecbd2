/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WORKER_H
#define WORKER_H

struct kthread_worker;
struct task_struct;

struct task_struct *worker_start(struct kthread_worker *worker, const char *name);
void worker_stop(struct kthread_worker *worker, struct task_struct *thread);

#endif /* WORKER_H */
