// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests only: many kernel threads that may run anywhere, wait on CPU 0, and are woken all at
 * once. Each notes on which CPU it runs first, and is busy for some ticks.
 */
#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include "test.h"

#define BURST_THREADS	200
#define BURST_TICKS	2

static DECLARE_WAIT_QUEUE_HEAD(burst_queue);
static bool burst_woken;
static struct task_struct *burst_threads[BURST_THREADS];
static unsigned int burst_nr;

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

void burst_exit(void)
{
	while (burst_nr)
		kthread_stop(burst_threads[--burst_nr]);
}

static int burst_begin(void)
{
	WRITE_ONCE(burst_woken, false);
	atomic_set(&burst_waiting, 0);
	atomic_set(&burst_run, 0);
	atomic_set(&burst_elsewhere, 0);
	while (burst_nr < BURST_THREADS) {
		struct task_struct *t = kthread_run(burst_fn, NULL, "burst/%u", burst_nr);

		if (IS_ERR(t))
			return PTR_ERR(t);
		burst_threads[burst_nr++] = t;
	}
	return 0;
}

/* 1: they are made and wait; 2: they are woken; 0: they end */
static int set_burst(const char *val, const struct kernel_param *kp)
{
	unsigned int step;
	int ret = kstrtouint(val, 0, &step);

	if (ret || step > 2)
		return ret ?: -ERANGE;
	if (step == 2) {
		WRITE_ONCE(burst_woken, true);
		wake_up_all(&burst_queue);
		return 0;
	}
	burst_exit();
	return step ? burst_begin() : 0;
}

static const struct kernel_param_ops burst_ops = {
	.set = set_burst,
};

module_param_cb(burst, &burst_ops, NULL, 0200);
MODULE_PARM_DESC(burst, "1: make threads that wait on CPU 0; 2: wake them; 0: end them");
module_param_named(burst_waiting, burst_waiting.counter, int, 0400);
MODULE_PARM_DESC(burst_waiting, "how many threads wait or have been woken");
module_param_named(burst_run, burst_run.counter, int, 0400);
MODULE_PARM_DESC(burst_run, "how many have run since they were woken");
module_param_named(burst_elsewhere, burst_elsewhere.counter, int, 0400);
MODULE_PARM_DESC(burst_elsewhere, "how many of these ran first on another CPU");
