// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests only: a CPU that does not react at all for a while, as one does whose driver
 * polls with interrupts off, or that the hypervisor does not run. It holds no lock, or that of
 * its timers, or what is held where it gets stuck: a hypervisor may stop it anywhere.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/hrtimer.h>
#if __has_include("linux/hrtimer_bases.h")
/* of 7.x: what <linux/hrtimer.h> includes in older kernels */
#include <linux/hrtimer_bases.h>
#endif
#include <linux/kprobes.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/nmi.h>
#include <linux/rcupdate.h>
#include <linux/smp.h>
#include <linux/timekeeping.h>

#include "kern/kern.h"

static unsigned int ms = 1000;
module_param(ms, uint, 0600);
MODULE_PARM_DESC(ms, "for how long at most, milliseconds");

static bool locked;
module_param(locked, bool, 0600);
MODULE_PARM_DESC(locked, "with the lock of the CPU's high resolution timers held");

static unsigned int picked;
module_param(picked, uint, 0600);
MODULE_PARM_DESC(picked, "at= only counts if the function's second argument is a task on a DSQ and the CPU is busy; 2: if it idles");

static bool stuck, over;

/* Interrupts are off. */
static void be_stuck(void)
{
	u64 end = ktime_get_mono_fast_ns() + ms * NSEC_PER_MSEC;

	while (!READ_ONCE(over) && ktime_get_mono_fast_ns() < end) {
		touch_nmi_watchdog();
		cpu_relax();
	}
	WRITE_ONCE(stuck, false);
}

static struct hrtimer timer;

static enum hrtimer_restart expired(struct hrtimer *unused)
{
	return HRTIMER_NORESTART;
}

/* A timer that was started on this CPU knows the lock. */
static void be_stuck_locked(void)
{
	raw_spinlock_t *lock;

	hrtimer_start(&timer, ns_to_ktime(NSEC_PER_SEC), HRTIMER_MODE_REL_PINNED_HARD);
	lock = &timer.base->cpu_base->lock;
	raw_spin_lock(lock);
	be_stuck();
	raw_spin_unlock(lock);
}

/* Hard interrupt. */
static void stuck_fn(void *unused)
{
	if (locked)
		be_stuck_locked();
	else
		be_stuck();
}

static int set_cpu(const char *val, const struct kernel_param *kp)
{
	int cpu, ret = kstrtoint(val, 0, &cpu);

	if (ret)
		return ret;
	WRITE_ONCE(over, cpu < 0);
	if (cpu < 0)
		return 0;
	if (cpu >= nr_cpu_ids || stuck)
		return -EBUSY;
	stuck = true;
	ret = smp_call_function_single(cpu, stuck_fn, NULL, 0);
	if (ret)
		stuck = false;
	return ret;
}

/* Is it stuck? */
static int get_stuck(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%d\n", READ_ONCE(stuck));
}

static const struct kernel_param_ops cpu_ops = {
	.set = set_cpu,
	.get = get_stuck,
};
module_param_cb(cpu, &cpu_ops, NULL, 0600);
MODULE_PARM_DESC(cpu, "written: the CPU, another than the writer's, or -1 to end it; read: 1 while one is stuck");

/* the first CPU to come there gets stuck, but not the last one of all: the driver is there */
static bool armed;

static int probed(struct kprobe *unused, struct pt_regs *regs)
{
	const struct task_struct *p = (void *)regs_get_kernel_argument(regs, 1);
	bool idle = picked == 2;

	if (picked && (!READ_ONCE(p->scx.dsq) || is_idle_task(current) != idle))
		return 0;
	if (raw_smp_processor_id() != nr_cpu_ids - 1 && xchg(&armed, false)) {
		WRITE_ONCE(stuck, true);
		be_stuck();
	}
	return 0;
}

static char symbol[64];
static struct kprobe probe;

/* With an empty name that ends. */
static int set_at(const char *val, const struct kernel_param *kp)
{
	int ret;

	WRITE_ONCE(armed, false);
	if (probe.addr)
		unregister_kprobe(&probe);
	strscpy(symbol, val, sizeof(symbol));
	probe = (struct kprobe){ .symbol_name = strim(symbol), .pre_handler = probed };
	if (!*probe.symbol_name)
		return 0;
	ret = register_kprobe(&probe);
	if (ret) {
		probe.addr = NULL;
		return ret;
	}
	WRITE_ONCE(over, false);
	WRITE_ONCE(armed, true);
	return 0;
}

static const struct kernel_param_ops at_ops = {
	.set = set_at,
};
module_param_cb(at, &at_ops, NULL, 0200);
MODULE_PARM_DESC(at, "a function: the first CPU that calls it gets stuck there");

static int __init stuck_init(void)
{
	kern_hrtimer_setup(&timer, expired, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	return 0;
}

static void __exit stuck_exit(void)
{
	WRITE_ONCE(over, true);
	if (probe.addr)
		unregister_kprobe(&probe);
	while (READ_ONCE(stuck))
		msleep(20);
	hrtimer_cancel(&timer);
	/* until that interrupt has returned */
	synchronize_rcu();
}

module_init(stuck_init);
module_exit(stuck_exit);
MODULE_DESCRIPTION("test aid for scx_bypass_lb: a CPU that does not react");
MODULE_LICENSE("GPL");
