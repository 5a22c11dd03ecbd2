// SPDX-License-Identifier: GPL-2.0-only
/* For tests only: threads that are hard to balance or to livepatch. */
#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/nmi.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include "test.h"
#include "toggle.h"

/* Threads that all do the same, as many as are written to a parameter. */
#define MAX_THREADS	256

struct crew {
	int (*fn)(void *unused);
	const char *name;
	unsigned int nr;
	struct task_struct *threads[MAX_THREADS];
};

static void stop_crew(struct crew *crew)
{
	while (crew->nr)
		kthread_stop(crew->threads[--crew->nr]);
}

static int set_crew(const char *val, const struct kernel_param *kp)
{
	struct crew *crew = kp->arg;
	unsigned int want;
	int ret = kstrtouint(val, 0, &want);

	if (ret || want > MAX_THREADS)
		return ret ?: -ERANGE;
	stop_crew(crew);
	while (crew->nr < want) {
		struct task_struct *t = kthread_run(crew->fn, NULL, "%s/%u", crew->name, crew->nr);

		if (IS_ERR(t))
			return PTR_ERR(t);
		crew->threads[crew->nr++] = t;
	}
	return 0;
}

static const struct kernel_param_ops crew_ops = {
	.set = set_crew,
};

/*
 * Threads that spin on CPU 0 with migration disabled, though their affinity
 * has all CPUs.
 */
static int pinned_fn(void *unused)
{
	set_cpus_allowed_ptr(current, cpumask_of(0));
	migrate_disable();
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	while (!kthread_should_stop())
		cond_resched();
	migrate_enable();
	return 0;
}

static struct crew pinned = { .fn = pinned_fn, .name = "pinned" };
module_param_cb(pinned, &crew_ops, &pinned, 0200);
MODULE_PARM_DESC(pinned, "number of threads that spin with migration disabled");

/*
 * Threads whose migration is disabled and enabled, and whose affinity changes,
 * all the time.
 */
static int flutter_fn(void *unused)
{
	while (!kthread_should_stop()) {
		unsigned int spins = get_random_u32_below(2000);

		set_cpus_allowed_ptr(current, cpumask_of(cpumask_any_distribute(cpu_online_mask)));
		set_cpus_allowed_ptr(current, cpu_possible_mask);
		migrate_disable();
		while (spins--)
			cond_resched();
		if (get_random_u32_below(2))
			usleep_range(100, 2000);
		migrate_enable();
	}
	return 0;
}

static struct crew flutter = { .fn = flutter_fn, .name = "flutter" };
module_param_cb(flutter, &crew_ops, &flutter, 0200);
MODULE_PARM_DESC(flutter, "number of threads that disable and enable migration all the time");

/*
 * Threads that may run anywhere, wait on CPU 0, and are woken all at once. Each notes on which CPU
 * it runs first, and is busy for some ticks.
 */
#define BURST_TICKS	2

static DECLARE_WAIT_QUEUE_HEAD(burst_queue);
static bool burst_woken;
/* those that wait; that have run since they were woken, and how many of them on another CPU */
static atomic_t burst_waiting, burst_run, burst_elsewhere;

static int burst_fn(void *unused)
{
	unsigned long last;
	int ticks = 0;

	set_cpus_allowed_ptr(current, cpumask_of(0));
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	atomic_inc(&burst_waiting);
	wait_event_idle(burst_queue, READ_ONCE(burst_woken) || kthread_should_stop());
	if (raw_smp_processor_id())
		atomic_inc(&burst_elsewhere);
	atomic_inc(&burst_run);

	last = jiffies;
	while (ticks < BURST_TICKS && !kthread_should_stop()) {
		if (time_after(jiffies, last)) {
			last = jiffies;
			ticks++;
		}
		barrier();
	}
	/* kthread_stop() is called for each, sooner or later */
	wait_event_idle(burst_queue, kthread_should_stop());
	return 0;
}

static struct crew burst = { .fn = burst_fn, .name = "burst" };
module_param_cb(burst, &crew_ops, &burst, 0200);
MODULE_PARM_DESC(burst, "number of threads that wait on CPU 0");

/* To switch it off after the threads have ended is to begin anew. */
static int set_burst_wake(bool on)
{
	WRITE_ONCE(burst_woken, on);
	if (on) {
		wake_up_all(&burst_queue);
		return 0;
	}
	atomic_set(&burst_waiting, 0);
	atomic_set(&burst_run, 0);
	atomic_set(&burst_elsewhere, 0);
	return 0;
}

static struct toggle burst_wake = { .set = set_burst_wake };
module_param_cb(burst_wake, &toggle_ops, &burst_wake, 0600);
MODULE_PARM_DESC(burst_wake, "wake the threads that wait on CPU 0");
module_param_named(burst_waiting, burst_waiting.counter, int, 0400);
MODULE_PARM_DESC(burst_waiting, "how many threads wait or have been woken");
module_param_named(burst_run, burst_run.counter, int, 0400);
MODULE_PARM_DESC(burst_run, "how many have run since they were woken");
module_param_named(burst_elsewhere, burst_elsewhere.counter, int, 0400);
MODULE_PARM_DESC(burst_elsewhere, "how many of these ran first on another CPU");

/*
 * A thread that never leaves its CPU nor the kernel: livepatch waits for it. A kernel without
 * preemption would report it.
 */
static struct task_struct *stalling;

static int stall_fn(void *unused)
{
	while (!kthread_should_stop()) {
		/* it is to hold up nobody else: on PREEMPT_RT, RCU's own threads */
		local_irq_disable();
		rcu_momentary_eqs();
		local_irq_enable();
		touch_softlockup_watchdog();
		cpu_relax();
	}
	return 0;
}

static int set_stall(bool on)
{
	if (!on) {
		kthread_stop(stalling);
		return 0;
	}
	stalling = kthread_create(stall_fn, NULL, "livepatch_stall");
	if (IS_ERR(stalling))
		return PTR_ERR(stalling);
	sched_set_fifo(stalling);
	kthread_bind(stalling, num_online_cpus() - 1);
	wake_up_process(stalling);
	return 0;
}

static struct toggle stall_livepatch = { .set = set_stall };
module_param_cb(stall_livepatch, &toggle_ops, &stall_livepatch, 0600);
MODULE_PARM_DESC(stall_livepatch, "a thread that holds up livepatch transitions");

void threads_exit(void)
{
	stop_crew(&pinned);
	stop_crew(&flutter);
	stop_crew(&burst);
	if (stall_livepatch.on)
		kthread_stop(stalling);
}
