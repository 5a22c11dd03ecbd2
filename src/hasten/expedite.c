// SPDX-License-Identifier: GPL-2.0-only
/*
 * A task that attaches a scheduler, or removes one, waits for RCU grace periods. A normal one waits
 * for the tick of every CPU, several times; an expedited one asks the CPUs. So the task asks for
 * both, and goes on as soon as one of them has ended.
 *
 * It asks for both because an expedited one may get stuck where a normal one does not: it needs
 * threads that may run on the CPUs of one RCU leaf node only, and the task that asked for the one
 * before it has to run once more. A real-time task may keep the CPU of any of these for itself. So
 * a thread of the module asks for the expedited one, and no other grace periods are expedited. And
 * it does not ask if real-time tasks have all CPUs of a thread already, of those threads that were
 * found at load. That thread would wait until they let it run. A scheduler that is attached would
 * get it with all other tasks, and the kernel would remove that scheduler because of it.
 *
 * Each wakeup of these threads may wait for a turn of a long queue. So they are real-time threads
 * of the lowest priority meanwhile, but not for long: then the fair class has them, to which the
 * kernel guarantees a share of each CPU. Other tasks may need them, too. The thread that makes
 * normal grace periods stays as it is.
 */
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/rt.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <uapi/linux/sched/types.h>

#include "hasten/expedite.h"
#include "hasten/worker.h"
#include "kern/kern.h"
#include "record/count.h"

bool expedite_rcu __read_mostly = true;
module_param(expedite_rcu, bool, 0600);
MODULE_PARM_DESC(expedite_rcu,
		 "in bypass mode, expedite RCU grace periods of a task that attaches or removes a scheduler (default Y)");

/* as RCU's threads for expedited grace periods begin: the main one, and one for each leaf node */
#define EXPEDITE_MAIN	"rcu_exp_gp_kthr"
#define EXPEDITE_LEAF	"rcu_exp_par_gp_"

/* how long the threads may be real-time threads, if the task that waits does not get a CPU */
#define EXPEDITE_JIFFIES	(HZ / 4)

/**
 * struct expedite_thread - a thread that an expedited grace period needs
 * @p: the thread, a reference is held
 * @raised: it was made a real-time thread here
 */
struct expedite_thread {
	struct task_struct *p;
	bool raised;
};

/* RCU's threads, which never end, as found at load (later ones are not raised); and the module's */
static struct expedite_thread *expedite_threads;
static unsigned int expedite_nr_threads;

static struct kthread_worker expedite_worker;
static struct task_struct *expedite_worker_thread;

/* a task waits here for the end of a grace period, one at a time */
static DECLARE_WAIT_QUEUE_HEAD(expedite_end);

static bool expedite_is_named(const struct task_struct *p, const char *name)
{
	return (p->flags & PF_KTHREAD) && !strncmp(p->comm, name, strlen(name));
}

/* Returns how many threads there are. Takes no more than @max of them. */
static unsigned int expedite_find(unsigned int max)
{
	struct task_struct *p;
	unsigned int nr = 0;

	rcu_read_lock();
	for_each_process(p) {
		if (!expedite_is_named(p, EXPEDITE_MAIN) && !expedite_is_named(p, EXPEDITE_LEAF))
			continue;
		if (nr < max)
			expedite_threads[nr].p = get_task_struct(p);
		nr++;
	}
	rcu_read_unlock();
	return nr;
}

/**
 * expedite_init() - find RCU's threads
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int __init expedite_init(void)
{
	unsigned int max = expedite_find(0);

	/* one more is the module's */
	expedite_threads = kcalloc(max + 1, sizeof(*expedite_threads), GFP_KERNEL);
	if (!expedite_threads)
		return -ENOMEM;
	expedite_nr_threads = min(max, expedite_find(max));
	return 0;
}

static void expedite_raise(void)
{
	const struct sched_attr fifo = { .sched_policy = SCHED_FIFO, .sched_priority = 1 };
	unsigned int i;

	for (i = 0; i < expedite_nr_threads; i++) {
		struct expedite_thread *t = &expedite_threads[i];

		if (READ_ONCE(t->p->policy) != SCHED_NORMAL)
			continue;
		/*
		 * Marked before and after: expedite_lower(), if it runs late, may clear the
		 * first mark while the policy is still normal.
		 */
		WRITE_ONCE(t->raised, true);
		sched_setattr_nocheck(t->p, &fifo);
		WRITE_ONCE(t->raised, true);
	}
}

/* Threads that others have changed meanwhile stay as they are. */
static void expedite_lower(struct work_struct *unused)
{
	unsigned int i;

	for (i = 0; i < expedite_nr_threads; i++) {
		struct expedite_thread *t = &expedite_threads[i];

		if (!xchg(&t->raised, false) || READ_ONCE(t->p->policy) != SCHED_FIFO ||
		    READ_ONCE(t->p->rt_priority) != 1)
			continue;
		sched_set_normal(t->p, task_nice(t->p));
		/* sched_ext does not look for another real-time task that waits there */
		static_call(kern_resched_cpu)(task_cpu(t->p));
	}
}

/* Runs in a thread of the fair class. */
static DECLARE_DELAYED_WORK(expedite_lower_work, expedite_lower);

/* The thread's work. The task that waits may be gone by the time that this has ended. */
static void expedite_fn(struct kthread_work *work)
{
	synchronize_rcu_expedited();
	wake_up_all(&expedite_end);
}

static DEFINE_KTHREAD_WORK(expedite_work, expedite_fn);

/**
 * expedite_start() - start the thread, if it is not there
 *
 * Waits for a fork.
 *
 * Context: process, may sleep.
 */
void __init expedite_start(void)
{
	struct task_struct *thread;

	if (expedite_worker_thread)
		return;
	thread = worker_start(&expedite_worker, "scx_bypass_rcu");
	if (!thread)
		return;
	expedite_threads[expedite_nr_threads++].p = get_task_struct(thread);
	/* pairs with the one in expedite_wanted() */
	smp_store_release(&expedite_worker_thread, thread);
}

/**
 * expedite_exit() - end the thread, and forget RCU's
 *
 * Waits for an expedited grace period that has begun.
 *
 * Context: process, may sleep. Nothing calls expedite_wait() any more.
 */
void expedite_exit(void)
{
	cancel_delayed_work_sync(&expedite_lower_work);
	expedite_lower(NULL);
	if (READ_ONCE(expedite_worker.current_work))
		pr_info("unload waits for an expedited RCU grace period\n");
	if (expedite_worker_thread)
		worker_stop(&expedite_worker, expedite_worker_thread);
	while (expedite_nr_threads)
		put_task_struct(expedite_threads[--expedite_nr_threads].p);
	kfree(expedite_threads);
}

/*
 * Do real-time tasks, but for the current one, have all CPUs that @p may run on? If none of these
 * is active, it runs elsewhere. And the thread of the last leaf is not used: the main thread does
 * its work.
 */
static bool expedite_is_kept_off(const struct task_struct *p)
{
	int cpu, own = rt_task(current) ? task_cpu(current) : -1;
	bool kept_off = false;

	if (expedite_is_named(p, EXPEDITE_LEAF) &&
	    cpumask_test_cpu(cpumask_last(cpu_possible_mask), p->cpus_ptr))
		return false;
	for_each_cpu_and(cpu, p->cpus_ptr, cpu_active_mask) {
		u32 nr = kern_cpu_nr_realtime(cpu);

		if (cpu == own ? nr <= 1 : !nr)
			return false;
		kept_off = true;
	}
	return kept_off;
}

/* Does each thread that an expedited grace period needs have a CPU? */
static bool expedite_can_end(void)
{
	unsigned int i;

	for (i = 0; i < expedite_nr_threads; i++)
		if (expedite_is_kept_off(expedite_threads[i].p))
			return false;
	return true;
}

/**
 * expedite_wanted() - is the current task to wait for grace periods by expedite_wait()?
 *
 * Context: any.
 * Return: true for the task that attaches a scheduler or removes one, in bypass, if an expedited
 * grace period is expected to end soon.
 */
bool expedite_wanted(void)
{
	return kern_enable_mutex_owner() == current && READ_ONCE(expedite_rcu) &&
	       kern_sched_is_bypassed() &&
	       /* pairs with the one in expedite_start() */
	       smp_load_acquire(&expedite_worker_thread) && !static_call(kern_rcu_gp_is_normal)() &&
	       expedite_can_end();
}

/**
 * expedite_wait() - wait for a grace period, as synchronize_rcu() does
 *
 * Context: process, may sleep. The task is the one that expedite_wanted() is true for, so there is
 * one at a time. Takes the locks of sched_setscheduler().
 */
void expedite_wait(void)
{
	struct rcu_gp_oldstate state;

	start_poll_synchronize_rcu_full(&state);
	/* before, too: real-time tasks may take the CPU of the current task in between */
	mod_delayed_work(system_unbound_wq, &expedite_lower_work, EXPEDITE_JIFFIES);
	expedite_raise();
	mod_delayed_work(system_unbound_wq, &expedite_lower_work, EXPEDITE_JIFFIES);
	kthread_queue_work(&expedite_worker, &expedite_work);
	/* the end of a normal one wakes nobody */
	while (!wait_event_timeout(expedite_end, poll_state_synchronize_rcu_full(&state), 1))
		;
	expedite_lower(NULL);
	cancel_delayed_work(&expedite_lower_work);
	count_add(cpumask_first(cpu_possible_mask), COUNT_EXPEDITED, 1);
}
