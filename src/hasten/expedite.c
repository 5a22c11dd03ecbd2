// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaving bypass takes three RCU grace periods one after the other. Each waits
 * for the tick of every CPU, several times; an expedited one asks the CPUs.
 * But RCU's own threads do that, and as they are not real-time threads, each of
 * their wakeups may wait for a turn of a long queue. So they are made real-time
 * threads meanwhile, of the lowest priority, as kernels with RCU boosting have them
 * always: any other real-time task still runs before them, or is not preempted by them.
 */
#include <linux/bitops.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <uapi/linux/sched/types.h>

#include "hasten/expedite.h"
#include "kern/kern.h"
#include "record/count.h"

/* RCU has one for each of its leaf nodes, which have 16 CPUs or more, and a few */
#define EXPEDITE_MAX_THREADS	(NR_CPUS / 16 + 8)

/* as they begin: a thread's name has no room for all of it */
static const char * const expedite_names[] = {
	"rcu_preempt", "rcu_sched", "rcu_exp_gp_kthr", "rcu_exp_par_gp_",
};

/**
 * struct expedite_thread - a thread of RCU's
 * @p: the thread; a reference is held
 * @raised: it was made a real-time thread here
 */
struct expedite_thread {
	struct task_struct *p;
	bool raised;
};

/* Found once, at load: RCU's threads exist since boot and stay. */
static struct expedite_thread expedite_threads[EXPEDITE_MAX_THREADS];
static unsigned int expedite_nr_threads;

/*
 * The task that sets this bit applies what is wanted. Others do not wait for it: scx_bypass()
 * must not wait for a task that may be preempted. They leave a number behind, and the
 * one that has the bit looks at the number again after it has given the bit back.
 */
static unsigned long expedite_busy;
static atomic_t expedite_requests = ATOMIC_INIT(0);

static bool expedite_started;
/* owned by the task that has the bit */
static bool expedite_on;

/* in bypass, RCU grace periods are expedited */
static bool expedite_rcu __read_mostly = true;

static bool expedite_is_rcu_thread(const struct task_struct *p)
{
	unsigned int i;

	if (!(p->flags & PF_KTHREAD))
		return false;
	for (i = 0; i < ARRAY_SIZE(expedite_names); i++)
		if (!strncmp(p->comm, expedite_names[i], strlen(expedite_names[i])))
			return true;
	return false;
}

/* Those that are real-time threads already stay as they are. */
static void expedite_raise_threads(void)
{
	unsigned int i;

	for (i = 0; i < expedite_nr_threads; i++) {
		struct expedite_thread *t = &expedite_threads[i];

		t->raised = READ_ONCE(t->p->policy) == SCHED_NORMAL;
		if (t->raised)
			sched_set_fifo_low(t->p);
	}
}

/* Those that were changed otherwise meanwhile stay as they are, too. */
static void expedite_lower_threads(void)
{
	unsigned int i;

	for (i = 0; i < expedite_nr_threads; i++) {
		struct expedite_thread *t = &expedite_threads[i];

		if (t->raised && READ_ONCE(t->p->policy) == SCHED_FIFO &&
		    READ_ONCE(t->p->rt_priority) == 1)
			sched_set_normal(t->p, task_nice(t->p));
		t->raised = false;
	}
}

/* The caller has the bit. */
static void expedite_set_to(bool want)
{
	if (want && !expedite_on) {
		static_call(kern_rcu_expedite_gp)();
		expedite_raise_threads();
		count_add(cpumask_first(cpu_possible_mask), COUNT_EXPEDITED, 1);
	}
	if (!want && expedite_on) {
		expedite_lower_threads();
		static_call(kern_rcu_unexpedite_gp)();
	}
	expedite_on = want;
}

/* The caller has the bit. */
static void expedite_apply(void)
{
	expedite_set_to(READ_ONCE(expedite_started) && READ_ONCE(expedite_rcu) &&
			kern_in_bypass());
}

/**
 * expedite_update() - act on a change of bypass or of the parameter
 *
 * Does not wait. If another task is doing this already, that one sees the change, too.
 *
 * Context: process. Takes the locks of sched_setscheduler().
 */
void expedite_update(void)
{
	int seen;

	atomic_inc(&expedite_requests);
	/* pairs with the one below: one of the two tasks sees what the other has done */
	smp_mb__after_atomic();
	do {
		if (test_and_set_bit_lock(0, &expedite_busy))
			return;
		seen = atomic_read(&expedite_requests);
		expedite_apply();
		clear_bit_unlock(0, &expedite_busy);
		/* pairs with the one above */
		smp_mb();
	} while (atomic_read(&expedite_requests) != seen);
}

/**
 * expedite_pause() - bypass may be about to end: do not expedite
 *
 * An ordinary task may be preempted as soon as it has left bypass, and it then waits for the BPF
 * scheduler. Nothing is to be expedited meanwhile. expedite_update() must follow: it starts
 * again if bypass goes on.
 *
 * Context: process. Takes the locks of sched_setscheduler().
 */
void expedite_pause(void)
{
	/* or another task is just acting on a change, which is rare and no harm */
	if (test_and_set_bit_lock(0, &expedite_busy))
		return;
	expedite_set_to(false);
	clear_bit_unlock(0, &expedite_busy);
}

/**
 * expedite_start() - expedite grace periods from now on, whenever bypass is on
 *
 * Context: process.
 */
void expedite_start(void)
{
	WRITE_ONCE(expedite_started, true);
	expedite_update();
}

/**
 * expedite_stop() - expedite no grace periods any more
 *
 * Context: process, may sleep: waits for a task that is applying a change.
 */
void expedite_stop(void)
{
	WRITE_ONCE(expedite_started, false);
	while (test_and_set_bit_lock(0, &expedite_busy))
		msleep(20);
	expedite_apply();
	clear_bit_unlock(0, &expedite_busy);
}

/**
 * expedite_init() - find RCU's threads
 *
 * Context: process.
 */
void expedite_init(void)
{
	struct task_struct *p;

	rcu_read_lock();
	for_each_process(p) {
		if (expedite_nr_threads == EXPEDITE_MAX_THREADS)
			break;
		if (expedite_is_rcu_thread(p))
			expedite_threads[expedite_nr_threads++].p = get_task_struct(p);
	}
	rcu_read_unlock();
}

/**
 * expedite_exit() - give the references on RCU's threads back
 *
 * Context: process. After expedite_stop(), and before the module's text is gone.
 */
void expedite_exit(void)
{
	while (expedite_nr_threads)
		put_task_struct(expedite_threads[--expedite_nr_threads].p);
}

/**
 * expedite_is_allowed() - the parameter expedite_rcu
 *
 * Context: any.
 */
bool expedite_is_allowed(void)
{
	return READ_ONCE(expedite_rcu);
}

static int expedite_set(const char *val, const struct kernel_param *kp)
{
	int ret = param_set_bool(val, kp);

	if (!ret)
		expedite_update();
	return ret;
}

static const struct kernel_param_ops expedite_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = expedite_set,
	.get = param_get_bool,
};

module_param_cb(expedite_rcu, &expedite_ops, &expedite_rcu, 0600);
MODULE_PARM_DESC(expedite_rcu, "in bypass mode, expedite RCU grace periods (default Y)");
