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
#include <linux/kthread.h>
#include <linux/sched/rt.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <uapi/linux/sched/types.h>

#include "hasten/enabling.h"
#include "hasten/worker.h"
#include "kern/kern.h"

/* between two looks */
#define ENABLING_LOOK_US	2000
/* how often a task tries to lock the record while another one has it, and for how long */
#define ENABLING_TRIES		10
#define ENABLING_TRY_US		500
/* how often unload looks whether the attaching task is done, and how long it waits in between */
#define ENABLING_EXIT_LOOKS	250
#define ENABLING_EXIT_MS	20

/* Protects the record. Nobody waits for long: a task that holds it may be preempted. */
static unsigned long enabling_busy;

/**
 * struct enabling_record - the task that attaches a scheduler
 * @p: the task, a reference is held; NULL if there is none
 * @nice: its nice value before
 * @load: its weight in the fair class before
 * @ran_ns: for how long it had run at the last look
 * @raised: it was made a real-time task
 * @was: what it was just before that
 * @slack_ns: its timer slack, which real-time tasks do not have
 */
static struct enabling_record {
	struct task_struct *p;
	int nice;
	struct load_weight load;
	u64 ran_ns;
	bool raised;
	struct sched_attr was;
	u64 slack_ns;
} enabling_record;

static struct kthread_worker enabling_worker;
static struct task_struct *enabling_thread;
/* the thread is to make the task what it was, and to end */
static bool enabling_closing;

static bool enabling_try_lock(void)
{
	return !test_and_set_bit_lock(0, &enabling_busy);
}

static void enabling_unlock(void)
{
	clear_bit_unlock(0, &enabling_busy);
}

/* May sleep. */
static bool enabling_lock(void)
{
	int tries = ENABLING_TRIES;

	while (!enabling_try_lock()) {
		if (!tries--)
			return false;
		usleep_range(ENABLING_TRY_US / 2, ENABLING_TRY_US);
	}
	return true;
}

/*
 * The record is locked. If another task changes the policy of this one at the same time, that
 * change is lost when the scheduler is attached.
 *
 * With CONFIG_RT_GROUP_SCHED a group may have no time for real-time tasks, and a real-time task
 * may get less than one of sched_ext. And a task may be killed for being a real-time task for
 * too long. Such tasks stay as they are.
 */
static void enabling_raise(struct enabling_record *r)
{
	struct task_struct *p = r->p;
	struct sched_attr fifo = {
		.sched_policy = SCHED_FIFO,
		.sched_priority = 1,
		.sched_flags = SCHED_FLAG_RESET_ON_FORK,
	};

	if (IS_ENABLED(CONFIG_RT_GROUP_SCHED) || r->raised || rt_or_dl_task_policy(p) ||
	    task_rlimit(p, RLIMIT_RTTIME) != RLIM_INFINITY)
		return;
	r->was = (struct sched_attr){
		.sched_policy = READ_ONCE(p->policy),
		.sched_flags = kern_task_resets_on_fork(p) ? SCHED_FLAG_RESET_ON_FORK : 0,
		.sched_runtime = p->se.custom_slice ? p->se.slice : 0,
	};
	r->slack_ns = p->timer_slack_ns;
	r->raised = !sched_setattr_nocheck(p, &fifo);
}

/* The record is locked. If others have changed the policy meanwhile, it stays so. */
static void enabling_lower(struct enabling_record *r)
{
	struct task_struct *p = r->p;
	bool raised = READ_ONCE(p->policy) == SCHED_FIFO && READ_ONCE(p->rt_priority) == 1;

	/* kept if it is there before the policy changes */
	if (raised || !rt_or_dl_task_policy(p))
		p->timer_slack_ns = r->slack_ns;
	if (!raised)
		return;
	r->was.sched_nice = task_nice(p);
	if (sched_setattr_nocheck(p, &r->was)) {
		/* the BPF scheduler does not want it to have SCHED_EXT any more */
		r->was.sched_policy = SCHED_NORMAL;
		sched_setattr_nocheck(p, &r->was);
	}
	/* sched_ext does not look for another real-time task that waits there */
	static_call(kern_resched_cpu)(task_cpu(p));
}

/* The record is locked. */
static void enabling_take_nice(struct enabling_record *r)
{
	raw_spin_lock_irq(&current->pi_lock);
	r->nice = task_nice(current);
	r->load = current->se.load;
	raw_spin_unlock_irq(&current->pi_lock);
	set_user_nice(current, MIN_NICE);
}

/*
 * The record is locked. In sched_ext the nice value that a task gets does not change the weight
 * that it had in the fair class, and will have there again. Nothing but the fair class uses that
 * weight. The pi_lock keeps the task in its class.
 */
static void enabling_restore_load(struct enabling_record *r)
{
	struct task_struct *p = r->p;

	raw_spin_lock_irq(&p->pi_lock);
	if (!kern_task_is_fair(p) && p->se.load.weight > r->load.weight)
		p->se.load = r->load;
	raw_spin_unlock_irq(&p->pi_lock);
}

/*
 * The record is locked. While the task has the lowest nice value, others need no right to set a
 * value in between.
 */
static void enabling_restore_nice(struct enabling_record *r)
{
	/* the kernel may move it to another class before or after its nice value changes */
	enabling_restore_load(r);
	if (task_nice(r->p) < r->nice)
		set_user_nice(r->p, r->nice);
	enabling_restore_load(r);
}

/* The record is locked. Make the task what it was. */
static void enabling_release(struct enabling_record *r)
{
	struct task_struct *p = r->p;

	enabling_restore_nice(r);
	if (r->raised)
		enabling_lower(r);
	WRITE_ONCE(r->p, NULL);
	put_task_struct(p);
}

/* The record is locked. Does the task wait in sched_ext, and has waited since the last look? */
static bool enabling_waits(struct enabling_record *r)
{
	u64 ran_ns = READ_ONCE(r->p->se.sum_exec_runtime);
	bool waits = READ_ONCE(r->p->scx.dsq) && ran_ns == r->ran_ns;

	r->ran_ns = ran_ns;
	return waits;
}

/*
 * Is the task, if any, done? One that leaves bypass is. One that failed to attach a scheduler may
 * not leave bypass itself, but it gives the mutex back.
 */
static bool enabling_is_over(const struct enabling_record *r)
{
	const struct task_struct *p = READ_ONCE(r->p);

	return p && (p == current || p != kern_enable_mutex_owner() || READ_ONCE(enabling_closing));
}

/* Look after the task. */
static void enabling_look(void)
{
	struct enabling_record *r = &enabling_record;

	if (!enabling_try_lock())
		return;
	if (enabling_is_over(r))
		enabling_release(r);
	else if (r->p && enabling_waits(r))
		enabling_raise(r);
	enabling_unlock();
}

/* The thread's work. */
static void enabling_watch(struct kthread_work *work)
{
	while (READ_ONCE(enabling_record.p)) {
		enabling_look();
		usleep_range(ENABLING_LOOK_US / 2, ENABLING_LOOK_US);
	}
}

static DEFINE_KTHREAD_WORK(enabling_work, enabling_watch);

/* The caller has the mutex, so a task that is recorded is one that has failed. */
static void enabling_begin(void)
{
	struct enabling_record *r = &enabling_record;

	if (!enabling_lock())
		return;
	if (r->p)
		enabling_release(r);
	enabling_take_nice(r);
	r->ran_ns = 0;
	r->raised = false;
	WRITE_ONCE(r->p, get_task_struct(current));
	enabling_unlock();
	kthread_queue_work(&enabling_worker, &enabling_work);
}

static void enabling_end(void)
{
	struct enabling_record *r = &enabling_record;

	if (!enabling_lock())
		return;
	if (enabling_is_over(r))
		enabling_release(r);
	enabling_unlock();
}

/**
 * enabling_update() - act on a change of bypass
 * @bypass: the argument of scx_bypass(), which has returned
 *
 * The task that attaches a scheduler enters bypass, does its work, and leaves bypass. It is
 * known by the mutex that it holds. Others that enter bypass do not hold it, or, like the thread
 * in which some kernels attach schedulers, are real-time tasks. If it has failed, it waits for a
 * thread of the kernel that leaves bypass, and goes on as what it was before.
 *
 * Context: process, may sleep. Takes the locks of sched_setscheduler().
 */
void enabling_update(bool bypass)
{
	if (bypass && READ_ONCE(enabling_thread) && kern_enable_mutex_owner() == current &&
	    !rt_or_dl_task_policy(current))
		enabling_begin();
	if (!bypass && enabling_is_over(&enabling_record))
		enabling_end();
}

/**
 * enabling_start() - start the thread that looks after the attaching task, if it is not there
 *
 * Waits for a fork.
 *
 * Context: process, may sleep.
 */
void __init enabling_start(void)
{
	struct task_struct *thread;

	if (enabling_thread)
		return;
	thread = worker_start(&enabling_worker, "scx_bypass_lb");
	if (thread)
		sched_set_fifo_low(thread);
	WRITE_ONCE(enabling_thread, thread);
}

/**
 * enabling_exit() - end the thread
 *
 * It looks after the task that is attaching a scheduler, if any, for some more seconds. If that is
 * not done then, it goes on as without the module.
 *
 * Context: process, may sleep. Nothing calls enabling_update() any more.
 */
void enabling_exit(void)
{
	int looks = ENABLING_EXIT_LOOKS;

	if (!enabling_thread)
		return;
	while (READ_ONCE(enabling_record.p) && looks--)
		msleep(ENABLING_EXIT_MS);
	WRITE_ONCE(enabling_closing, true);
	worker_stop(&enabling_worker, enabling_thread);
}
