// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests only: what cannot be seen from user space. Tasks on bypass DSQs, CPUs that do no
 * irq_work, passes of the balancer at the same time.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/irq_work.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/sched/ext.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>
#include <linux/sysfs.h>
#include <linux/timekeeping.h>

#include "test.h"
#include "toggle.h"

/* How many tasks believe that they are on a bypass DSQ? For a time when none may. */
static int get_stale(char *buf, const struct kernel_param *kp)
{
	struct task_struct *g, *p;
	unsigned int nr = 0;

	rcu_read_lock();
	for_each_process_thread(g, p) {
		struct scx_dispatch_q *dsq = READ_ONCE(p->scx.dsq);

		nr += dsq && dsq->id == ((u64)SCX_DSQ_FLAG_BUILTIN | 3);
	}
	rcu_read_unlock();
	return sysfs_emit(buf, "%u\n", nr);
}

static const struct kernel_param_ops stale_ops = {
	.get = get_stale,
};
module_param_cb(stale, &stale_ops, NULL, 0400);
MODULE_PARM_DESC(stale, "number of tasks on a bypass DSQ");

/*
 * How many CPUs do no irq_work any more? If one is queued on a CPU that is
 * past its last interrupt, it stays on the CPU's list when the CPU comes up
 * again, and no other one on that list is ever announced by an interrupt.
 */
#define IRQ_WORK_NS	(60 * NSEC_PER_SEC)

static bool worked;

static void irq_work_fn(struct irq_work *work)
{
	WRITE_ONCE(worked, true);
}

static struct irq_work irq_work = IRQ_WORK_INIT_HARD(irq_work_fn);

static void queue_irq_work(void *unused)
{
	irq_work_queue(&irq_work);
}

static int get_deaf(char *buf, const struct kernel_param *kp)
{
	unsigned int nr = 0;
	int cpu;

	for_each_online_cpu(cpu) {
		u64 end = ktime_get_mono_fast_ns() + IRQ_WORK_NS;

		WRITE_ONCE(worked, false);
		if (smp_call_function_single(cpu, queue_irq_work, NULL, true))
			continue;
		while (!READ_ONCE(worked) && ktime_get_mono_fast_ns() < end)
			usleep_range(1000, 2000);
		if (READ_ONCE(worked))
			continue;
		nr++;
		pr_info("CPU %d does no irq_work\n", cpu);
		/* what is queued there stays claimed: no other CPU can be asked */
		break;
	}
	return sysfs_emit(buf, "%u\n", nr);
}

static const struct kernel_param_ops deaf_ops = {
	.get = get_deaf,
};
module_param_cb(deaf, &deaf_ops, NULL, 0400);
MODULE_PARM_DESC(deaf, "number of CPUs that do no irq_work (looks until it finds one)");

/*
 * Do two passes of the balancer run at the same time? Each waits, at its
 * start, for the other one: if one timer ran both, none would ever come.
 */
#define MEET_NS		(2 * NSEC_PER_SEC)
static atomic_t nr_waiting;
static unsigned int met;

static int meet_fn(struct kprobe *kp, struct pt_regs *regs)
{
	u64 end = ktime_get_mono_fast_ns() + MEET_NS;

	if (READ_ONCE(met))
		return 0;
	atomic_inc(&nr_waiting);
	while (ktime_get_mono_fast_ns() < end && !READ_ONCE(met)) {
		if (atomic_read(&nr_waiting) == 2)
			WRITE_ONCE(met, 1);
		cpu_relax();
	}
	atomic_dec(&nr_waiting);
	return 0;
}

static struct kprobe meet_kp = {
	.symbol_name = "bypass_lb_node",
	.pre_handler = meet_fn,
};

static int set_meet(bool on)
{
	if (on) {
		met = 0;
		return register_kprobe(&meet_kp);
	}
	unregister_kprobe(&meet_kp);
	meet_kp.addr = NULL;
	meet_kp.flags = 0;
	return 0;
}

static struct toggle meet = { .set = set_meet };
module_param_cb(meet, &toggle_ops, &meet, 0600);
MODULE_PARM_DESC(meet, "make two passes of the balancer wait for each other");
module_param(met, uint, 0400);
MODULE_PARM_DESC(met, "two passes have met");

void look_exit(void)
{
	if (meet.on)
		unregister_kprobe(&meet_kp);
}
