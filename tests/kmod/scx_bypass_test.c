// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests only: hold bypass open, and threads that are hard to balance or
 * to livepatch. All through parameters in
 * /sys/module/scx_bypass_test/parameters.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/static_call.h>

typedef void scx_bypass_fn(bool bypass);
DEFINE_STATIC_CALL_NULL(scx_bypass, scx_bypass_fn);

static bool held;

static int set_hold(const char *val, const struct kernel_param *kp)
{
	bool hold;
	int ret = kstrtobool(val, &hold);

	if (!ret && hold != held) {
		static_call(scx_bypass)(hold);
		held = hold;
	}
	return ret;
}

static const struct kernel_param_ops hold_ops = {
	.set = set_hold,
	.get = param_get_bool,
};
module_param_cb(hold, &hold_ops, &held, 0600);
MODULE_PARM_DESC(hold, "hold bypass mode");

/*
 * Threads that spin on CPU 0 with migration disabled, though their affinity
 * has all CPUs.
 */
#define MAX_THREADS	64
static struct task_struct *threads[MAX_THREADS];
static unsigned int nr_threads;

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

static void stop_threads(void)
{
	while (nr_threads)
		kthread_stop(threads[--nr_threads]);
}

static int set_pinned(const char *val, const struct kernel_param *kp)
{
	unsigned int want;
	int ret = kstrtouint(val, 0, &want);

	if (ret || want > MAX_THREADS)
		return ret ?: -ERANGE;
	stop_threads();
	while (nr_threads < want) {
		struct task_struct *t = kthread_run(pinned_fn, NULL, "pinned/%u", nr_threads);

		if (IS_ERR(t))
			return PTR_ERR(t);
		threads[nr_threads++] = t;
	}
	return 0;
}

static const struct kernel_param_ops pinned_ops = {
	.set = set_pinned,
	.get = param_get_uint,
};
module_param_cb(pinned, &pinned_ops, &nr_threads, 0600);
MODULE_PARM_DESC(pinned, "number of threads that spin with migration disabled");

/* A thread that never leaves its CPU nor the kernel: livepatch waits for it. */
static struct task_struct *hog;
static bool hogging;

static int hog_fn(void *unused)
{
	while (!kthread_should_stop())
		cpu_relax();
	return 0;
}

static int set_hog(const char *val, const struct kernel_param *kp)
{
	bool want;
	int ret = kstrtobool(val, &want);

	if (ret || want == hogging)
		return ret;
	if (want) {
		hog = kthread_create(hog_fn, NULL, "livepatch_hog");
		if (IS_ERR(hog))
			return PTR_ERR(hog);
		sched_set_fifo(hog);
		kthread_bind(hog, num_online_cpus() - 1);
		wake_up_process(hog);
	} else {
		kthread_stop(hog);
	}
	hogging = want;
	return 0;
}

static const struct kernel_param_ops hog_ops = {
	.set = set_hog,
	.get = param_get_bool,
};
module_param_cb(hog, &hog_ops, &hogging, 0600);
MODULE_PARM_DESC(hog, "a thread that holds up livepatch transitions");

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
	.symbol_name = "lb_pass",
	.pre_handler = meet_fn,
};

static bool meeting;

static int set_meet(const char *val, const struct kernel_param *kp)
{
	bool want;
	int ret = kstrtobool(val, &want);

	if (ret || want == meeting)
		return ret;
	if (want) {
		met = 0;
		ret = register_kprobe(&meet_kp);
	} else {
		unregister_kprobe(&meet_kp);
		meet_kp.addr = NULL;
		meet_kp.flags = 0;
	}
	if (!ret)
		meeting = want;
	return ret;
}

static const struct kernel_param_ops meet_ops = {
	.set = set_meet,
	.get = param_get_bool,
};
module_param_cb(meet, &meet_ops, &meeting, 0600);
MODULE_PARM_DESC(meet, "make two passes of the balancer wait for each other");
module_param(met, uint, 0400);
MODULE_PARM_DESC(met, "two passes have met");

static int __init test_init(void)
{
	static const char * const names[] = { "scx_bypass", "scx_ops_bypass" };
	int ret = -ENOENT;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		struct kprobe kp = { .symbol_name = names[i] };

		ret = register_kprobe(&kp);
		if (ret)
			continue;
		static_call_update(scx_bypass, (void *)kp.addr);
		unregister_kprobe(&kp);
		break;
	}
	return ret;
}

static void __exit test_exit(void)
{
	if (held)
		static_call(scx_bypass)(false);
	stop_threads();
	if (hogging)
		kthread_stop(hog);
	if (meeting)
		unregister_kprobe(&meet_kp);
}

module_init(test_init);
module_exit(test_exit);
MODULE_DESCRIPTION("test aid for scx_bypass_lb");
MODULE_LICENSE("GPL");
