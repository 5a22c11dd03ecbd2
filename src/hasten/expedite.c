// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaving bypass takes three RCU grace periods one after the other. Each waits
 * for the tick of every CPU, several times; an expedited one asks the CPUs.
 * But RCU's own threads do that, and each of their wakeups may wait for a turn of a long
 * queue. So gp.c lets them run before others meanwhile.
 *
 * Where real-time tasks keep all CPUs busy, the kernel gives the fair class a share, of which a
 * real-time thread gets nothing. And an expedited grace period would have more threads wait for
 * that share, one after the other. So nothing is done if the fair class has these threads, because
 * the scheduler that is removed does not have all tasks. A scheduler may be attached, or
 * a real-time task may come later, when the fair class has its tasks back: when a thread that was
 * made a real-time thread waits for long, all becomes as without the module. The work that sees to
 * it is done by a thread of the fair class then.
 */
#include <linux/bitops.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/workqueue.h>

#include "hasten/expedite.h"
#include "hasten/gp.h"
#include "kern/kern.h"
#include "record/count.h"

/*
 * The task that sets this bit applies what is wanted. Others do not wait for it: scx_bypass()
 * must not wait for a task that may be preempted. They leave a number behind, and the
 * one that has the bit looks at the number again after it has given the bit back.
 */
static unsigned long expedite_busy;
static atomic_t expedite_requests = ATOMIC_INIT(0);

static bool expedite_started;
/* bypass has begun, and is not about to end; and RCU's threads lose no share of the fair class */
static bool expedite_wanted;
/* owned by the task that has the bit */
static bool expedite_on;

/* between two looks at whether one of RCU's threads waits; one that waited at both is too slow */
#define EXPEDITE_LOOK_JIFFIES	(HZ / 4)

static void expedite_look_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(expedite_look, expedite_look_fn);
static bool expedite_look_due;

/* in bypass, RCU grace periods are expedited */
static bool expedite_rcu __read_mostly = true;

static void expedite_look_later(void)
{
	WRITE_ONCE(expedite_look_due, false);
	queue_delayed_work(system_unbound_wq, &expedite_look, EXPEDITE_LOOK_JIFFIES);
}

/* The caller has the bit. */
static void expedite_set_to(bool want)
{
	if (want && !expedite_on) {
		expedite_on = true;
		static_call(kern_rcu_expedite_gp)();
		gp_raise();
		expedite_look_later();
		count_add(cpumask_first(cpu_possible_mask), COUNT_EXPEDITED, 1);
	}
	if (!want && expedite_on) {
		expedite_on = false;
		cancel_delayed_work(&expedite_look);
		gp_lower();
		static_call(kern_rcu_unexpedite_gp)();
	}
}

/* The caller has the bit. */
static void expedite_apply(void)
{
	bool allowed = READ_ONCE(expedite_started) && READ_ONCE(expedite_rcu);

	/* no grace period may become an expedited one while the threads are narrowed */
	if (allowed)
		gp_widen();
	if (expedite_on && xchg(&expedite_look_due, false)) {
		/* if bypass begins again just now, it has normal grace periods */
		if (gp_waits())
			WRITE_ONCE(expedite_wanted, false);
		else
			expedite_look_later();
	}
	expedite_set_to(allowed && gp_knows_threads() && READ_ONCE(expedite_wanted) &&
			kern_in_bypass());
	if (!allowed)
		gp_narrow();
}

/**
 * expedite_update() - act on a change of the parameter, of CPUs or of RCU's threads
 *
 * Does not wait. If another task is doing this already, that one sees the change, too.
 *
 * Context: process, may sleep. Takes the locks of sched_setscheduler().
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

/* The threads that were raised may have to be lowered. */
static void expedite_look_fn(struct work_struct *work)
{
	WRITE_ONCE(expedite_look_due, true);
	expedite_update();
}

/**
 * expedite_change() - bypass has begun, or is about to end
 * @bypass: it has begun
 *
 * Before the end, because an ordinary task may be preempted as soon as it has left bypass, and
 * it then waits for the BPF scheduler. Nothing is to be expedited meanwhile. If bypass goes on,
 * because there is another reason for it, or because the kernel has forgotten to end it, grace
 * periods are normal ones.
 *
 * Context: process, may sleep. Takes the locks of sched_setscheduler().
 */
void expedite_change(bool bypass)
{
	bool attaching = kern_attaching_task() == current;

	WRITE_ONCE(expedite_wanted, bypass && (attaching || !gp_is_fair()));
	expedite_update();
}

/**
 * expedite_start() - expedite grace periods from now on, whenever bypass is on
 *
 * If it is on already, then now if a task is attaching a scheduler or removing one.
 *
 * Context: process, may sleep.
 */
void expedite_start(void)
{
	WRITE_ONCE(expedite_started, true);
	if (kern_attaching_task() && !gp_is_fair())
		WRITE_ONCE(expedite_wanted, true);
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
	cancel_delayed_work_sync(&expedite_look);
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
