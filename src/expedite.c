// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaving bypass takes three RCU grace periods one after the other. Each waits
 * for the tick of every CPU, several times; an expedited one asks the CPUs.
 * But RCU's own threads do that, and as they are not real-time threads, each of
 * their wakeups may wait for a turn of a long queue, in bypass and even more in
 * the fair class, where the last grace period comes. So they are made real-time
 * threads meanwhile, as kernels with RCU boosting have them always.
 */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched/prio.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <uapi/linux/sched/types.h>

#include "expedite.h"
#include "kern.h"
#include "params.h"
#include "record.h"

/* RCU has one for each of its leaf nodes, which have 16 CPUs or more, and a few */
#define MAX_THREADS	(NR_CPUS / 16 + 8)

/* as they begin: a thread's name has no room for all of it */
static const char * const thread_names[] = {
	"rcu_preempt", "rcu_sched", "rcu_exp_gp_kthr", "rcu_exp_par_gp_",
};

/* Outermost: taken with no other lock of this module held. */
static DEFINE_MUTEX(expedite_lock);
static bool started, expedited;
static struct task_struct *threads[MAX_THREADS];
static unsigned int nr_threads;

static bool is_rcu_thread(const struct task_struct *p)
{
	unsigned int i;

	if (!(p->flags & PF_KTHREAD) || p->policy != SCHED_NORMAL)
		return false;
	for (i = 0; i < ARRAY_SIZE(thread_names); i++)
		if (!strncmp(p->comm, thread_names[i], strlen(thread_names[i])))
			return true;
	return false;
}

/* Those that somebody has made real-time threads already stay as they are. */
static void raise_threads(void)
{
	struct task_struct *p;
	unsigned int i;

	rcu_read_lock();
	for_each_process(p)
		if (nr_threads < MAX_THREADS && is_rcu_thread(p))
			threads[nr_threads++] = get_task_struct(p);
	rcu_read_unlock();

	for (i = 0; i < nr_threads; i++)
		sched_set_fifo(threads[i]);
}

/* And those that somebody has changed meanwhile. */
static void lower_threads(void)
{
	while (nr_threads) {
		struct task_struct *p = threads[--nr_threads];

		if (p->policy == SCHED_FIFO && p->rt_priority == MAX_RT_PRIO / 2)
			sched_set_normal(p, task_nice(p));
		put_task_struct(p);
	}
}

static void update(void)
{
	bool want = started && READ_ONCE(expedite_rcu) && kern_bypassing();

	lockdep_assert_held(&expedite_lock);

	if (want && !expedited) {
		static_call(kern_rcu_expedite_gp)();
		raise_threads();
		record_expedited();
	}
	if (!want && expedited) {
		lower_threads();
		static_call(kern_rcu_unexpedite_gp)();
	}
	expedited = want;
}

/**
 * expedite_update() - act on a change of bypass or of the parameter
 *
 * Context: process, may sleep.
 */
void expedite_update(void)
{
	mutex_lock(&expedite_lock);
	update();
	mutex_unlock(&expedite_lock);
}

static void set_started(bool to)
{
	mutex_lock(&expedite_lock);
	started = to;
	update();
	mutex_unlock(&expedite_lock);
}

/**
 * expedite_start() - expedite grace periods from now on, whenever bypass is on
 *
 * Context: process, may sleep.
 */
void expedite_start(void)
{
	set_started(true);
}

/**
 * expedite_stop() - do so no more
 *
 * Context: process, may sleep.
 */
void expedite_stop(void)
{
	set_started(false);
}
