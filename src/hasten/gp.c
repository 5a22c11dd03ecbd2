// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel threads that make RCU's grace periods, and what is done for them.
 *
 * Each of their wakeups may wait for a turn of a long queue. So in bypass they are real-time
 * threads of the lowest priority, as kernels with RCU boosting have them always: any other
 * real-time task still runs before them, or is not preempted by them. If one has a higher priority
 * (rcutree.kthread_prio= gives that to the main thread), all get it: an expedited grace period must
 * not depend on a lower one than a normal one does.
 *
 * An expedited grace period needs what a normal one does not need: for each leaf node of RCU's
 * but the last, which has 16 CPUs or more, a thread that may run on the CPUs of the node only.
 * Where real-time tasks have just these, it does not run, and nobody's grace period ends.
 * So these threads may run wherever the thread of the normal grace periods may.
 */
#include <linux/cpumask.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <uapi/linux/sched/types.h>

#include "hasten/gp.h"
#include "kern/kern.h"

/* as they begin: a thread's name has no room for all of it */
#define GP_MAIN		"rcu_preempt"
#define GP_MAIN_ALSO	"rcu_sched"
#define GP_EXPEDITED	"rcu_exp_gp_kthr"
#define GP_LEAF		"rcu_exp_par_gp_"

/**
 * struct gp_thread - a thread of RCU's
 * @p: the thread; a reference is held
 * @raised: it was made a real-time thread here
 * @waited: it waited for a CPU at the last look since it was raised
 * @ran_ns: for how long it had run then
 * @widened: it may run wherever the main thread may, since gp_widen()
 * @cpus: where it might run before; NULL for a thread that is not of a leaf node
 */
struct gp_thread {
	struct task_struct *p;
	bool raised;
	bool waited;
	bool widened;
	u64 ran_ns;
	struct cpumask *cpus;
};

/* Found once, at load. They stay. */
static struct gp_thread *gp_threads;
static unsigned int gp_nr_threads;
/* Meanwhile it has made more: some CPU of a leaf node has come up for the first time. */
static bool gp_has_new_threads;
/* what they are raised to */
static unsigned int gp_priority;
/* where the main thread might run then */
static struct cpumask *gp_main_cpus;

static bool gp_is_named(const struct task_struct *p, const char *name)
{
	return (p->flags & PF_KTHREAD) && !strncmp(p->comm, name, strlen(name));
}

static bool gp_is_main(const struct task_struct *p)
{
	return gp_is_named(p, GP_MAIN) || gp_is_named(p, GP_MAIN_ALSO);
}

/* Returns how many there are. Takes no more than @max of them. */
static unsigned int gp_find(struct gp_thread *threads, unsigned int max)
{
	struct task_struct *p;
	unsigned int nr = 0;

	rcu_read_lock();
	for_each_process(p) {
		if (!gp_is_main(p) && !gp_is_named(p, GP_EXPEDITED) && !gp_is_named(p, GP_LEAF))
			continue;
		if (nr < max)
			threads[nr].p = get_task_struct(p);
		nr++;
	}
	rcu_read_unlock();
	return nr;
}

/**
 * gp_init() - find RCU's threads
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int __init gp_init(void)
{
	unsigned int i, max = gp_find(NULL, 0);

	gp_main_cpus = kzalloc(cpumask_size(), GFP_KERNEL);
	gp_threads = kcalloc(max, sizeof(*gp_threads), GFP_KERNEL);
	if (!gp_main_cpus || !gp_threads)
		goto err;
	gp_nr_threads = min(max, gp_find(gp_threads, max));
	for (i = 0; i < gp_nr_threads; i++) {
		struct gp_thread *t = &gp_threads[i];

		if (gp_is_main(t->p))
			cpumask_copy(gp_main_cpus, &t->p->cpus_mask);
		if (!gp_is_named(t->p, GP_LEAF))
			continue;
		t->cpus = kmalloc(cpumask_size(), GFP_KERNEL);
		if (!t->cpus)
			goto err;
	}
	return 0;
err:
	gp_exit();
	return -ENOMEM;
}

/**
 * gp_exit() - forget RCU's threads
 *
 * Context: process, may sleep. They are as they were before, and the module's text is still
 * there, as is the file of the parameter: a task that writes to it finds no threads.
 */
void gp_exit(void)
{
	kernel_param_lock(THIS_MODULE);
	while (gp_nr_threads) {
		struct gp_thread *t = &gp_threads[--gp_nr_threads];

		kfree(t->cpus);
		put_task_struct(t->p);
	}
	kfree(gp_threads);
	kfree(gp_main_cpus);
	kernel_param_unlock(THIS_MODULE);
}

/**
 * gp_look_for_threads() - a CPU has come up
 *
 * The threads of a leaf node are made as its first CPU comes up. Here they would be missing, and
 * then no grace period may be expedited.
 *
 * Context: process, may sleep.
 */
void gp_look_for_threads(void)
{
	if (gp_find(NULL, 0) == gp_nr_threads || READ_ONCE(gp_has_new_threads))
		return;
	pr_info("RCU has a new thread: grace periods are not expedited until the module is loaded again\n");
	WRITE_ONCE(gp_has_new_threads, true);
}

/**
 * gp_knows_threads() - were all of RCU's threads found at load?
 *
 * Context: any.
 */
bool gp_knows_threads(void)
{
	return !READ_ONCE(gp_has_new_threads);
}

/**
 * gp_widen() - let the threads of leaf nodes run wherever the main thread may
 *
 * To be repeated: a CPU that comes or goes makes the kernel set them anew.
 *
 * Context: process, may sleep, one task at a time.
 */
void gp_widen(void)
{
	unsigned int i;

	for (i = 0; i < gp_nr_threads; i++) {
		struct gp_thread *t = &gp_threads[i];

		if (!t->cpus || cpumask_equal(&t->p->cpus_mask, gp_main_cpus))
			continue;
		cpumask_copy(t->cpus, &t->p->cpus_mask);
		t->widened = !set_cpus_allowed_ptr(t->p, gp_main_cpus);
	}
}

/**
 * gp_narrow() - undo gp_widen()
 *
 * Threads that others have changed meanwhile stay as they are.
 *
 * Context: process, may sleep, one task at a time.
 */
void gp_narrow(void)
{
	unsigned int i;

	for (i = 0; i < gp_nr_threads; i++) {
		struct gp_thread *t = &gp_threads[i];

		if (t->widened && cpumask_equal(&t->p->cpus_mask, gp_main_cpus))
			set_cpus_allowed_ptr(t->p, t->cpus);
		t->widened = false;
	}
}

/**
 * gp_is_fair() - has the fair class any of RCU's threads?
 *
 * Context: any.
 */
bool gp_is_fair(void)
{
	unsigned int i;

	for (i = 0; i < gp_nr_threads; i++)
		if (kern_task_is_fair(gp_threads[i].p))
			return true;
	return false;
}

/**
 * gp_raise() - let RCU's threads run before others
 *
 * Those that are real-time threads already stay as they are.
 *
 * Context: process, one task at a time. Takes the locks of sched_setscheduler().
 */
void gp_raise(void)
{
	struct sched_attr fifo = { .sched_policy = SCHED_FIFO };
	unsigned int i;

	gp_priority = 1;
	for (i = 0; i < gp_nr_threads; i++)
		gp_priority = max(gp_priority, READ_ONCE(gp_threads[i].p->rt_priority));
	fifo.sched_priority = gp_priority;

	for (i = 0; i < gp_nr_threads; i++) {
		struct gp_thread *t = &gp_threads[i];

		t->raised = READ_ONCE(t->p->policy) == SCHED_NORMAL;
		if (!t->raised)
			continue;
		t->waited = false;
		sched_setattr_nocheck(t->p, &fifo);
	}
}

/**
 * gp_waits() - does a raised thread wait for a CPU, and has waited since the last look?
 *
 * Context: process, one task at a time.
 */
bool gp_waits(void)
{
	bool too_long = false;
	unsigned int i;

	for (i = 0; i < gp_nr_threads; i++) {
		struct gp_thread *t = &gp_threads[i];
		u64 ran_ns = READ_ONCE(t->p->se.sum_exec_runtime);
		bool waits = t->raised && READ_ONCE(t->p->on_rq) && !READ_ONCE(t->p->on_cpu);

		too_long |= waits && t->waited && ran_ns == t->ran_ns;
		t->waited = waits;
		t->ran_ns = ran_ns;
	}
	return too_long;
}

/**
 * gp_lower() - undo gp_raise()
 *
 * Threads that others have changed meanwhile stay as they are.
 *
 * Context: process, one task at a time.
 */
void gp_lower(void)
{
	unsigned int i;

	for (i = 0; i < gp_nr_threads; i++) {
		struct gp_thread *t = &gp_threads[i];

		if (t->raised && READ_ONCE(t->p->policy) == SCHED_FIFO &&
		    READ_ONCE(t->p->rt_priority) == gp_priority)
			sched_set_normal(t->p, task_nice(t->p));
		t->raised = false;
	}
}
