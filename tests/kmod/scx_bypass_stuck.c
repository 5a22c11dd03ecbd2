// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests only: a CPU that does not react at all for a while, as one does whose driver
 * polls with interrupts off, or that the hypervisor does not run. It holds no lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/nmi.h>
#include <linux/rcupdate.h>
#include <linux/smp.h>
#include <linux/timekeeping.h>

static unsigned int ms = 1000;
module_param(ms, uint, 0400);
MODULE_PARM_DESC(ms, "for how long at most, milliseconds");

static bool stuck, over;

/* Hard interrupt. */
static void stuck_fn(void *unused)
{
	u64 end = ktime_get_mono_fast_ns() + ms * NSEC_PER_MSEC;

	while (!READ_ONCE(over) && ktime_get_mono_fast_ns() < end) {
		touch_nmi_watchdog();
		cpu_relax();
	}
	WRITE_ONCE(stuck, false);
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

static int __init stuck_init(void)
{
	return 0;
}

static void __exit stuck_exit(void)
{
	WRITE_ONCE(over, true);
	while (READ_ONCE(stuck))
		msleep(20);
	/* until that interrupt has returned */
	synchronize_rcu();
}

module_init(stuck_init);
module_exit(stuck_exit);
MODULE_DESCRIPTION("test aid for scx_bypass_lb: a CPU that does not react");
MODULE_LICENSE("GPL");
