// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests only: hold bypass open, and threads that are hard to balance or
 * to livepatch. All through parameters in
 * /sys/module/scx_bypass_test/parameters.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/irq_work.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/percpu-rwsem.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/sched/ext.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>
#include <linux/static_call.h>

#include "lookup.h"
#include "toggle.h"

typedef void scx_bypass_fn(bool bypass);
DEFINE_STATIC_CALL_NULL(scx_bypass, scx_bypass_fn);

static int set_hold(bool on)
{
	static_call(scx_bypass)(on);
	return 0;
}

static struct toggle hold = { .set = set_hold };
module_param_cb(hold, &toggle_ops, &hold, 0600);
MODULE_PARM_DESC(hold, "hold bypass mode");

/* Threads that all do the same, as many as are written to a parameter. */
#define MAX_THREADS	64

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

/* All dynamic hotplug states there are, so that there is none for others. */
#define MAX_STATES	64
static int states[MAX_STATES];
static unsigned int nr_states;
static bool taking;

static void give_states_back(void)
{
	while (nr_states)
		cpuhp_remove_state_nocalls(states[--nr_states]);
}

static int no_work(unsigned int cpu)
{
	return 0;
}

static int set_take_hotplug(const char *val, const struct kernel_param *kp)
{
	int ret = param_set_bool(val, kp);

	if (ret)
		return ret;
	give_states_back();
	while (taking && nr_states < MAX_STATES) {
		int state = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "test:taken",
						      no_work, NULL);
		if (state < 0)
			break;
		states[nr_states++] = state;
	}
	return 0;
}

static const struct kernel_param_ops take_hotplug_ops = {
	.set = set_take_hotplug,
	.get = param_get_bool,
};
module_param_cb(take_hotplug, &take_hotplug_ops, &taking, 0600);
MODULE_PARM_DESC(take_hotplug, "leave no CPU hotplug state for others");

/* A thread that never leaves its CPU nor the kernel: livepatch waits for it. */
static struct task_struct *hog_task;

static int hog_fn(void *unused)
{
	while (!kthread_should_stop()) {
		/* it is to hold up nobody else: on PREEMPT_RT, RCU's own threads */
		local_irq_disable();
		rcu_momentary_eqs();
		local_irq_enable();
		cpu_relax();
	}
	return 0;
}

static int set_hog(bool on)
{
	if (!on) {
		kthread_stop(hog_task);
		return 0;
	}
	hog_task = kthread_create(hog_fn, NULL, "livepatch_hog");
	if (IS_ERR(hog_task))
		return PTR_ERR(hog_task);
	sched_set_fifo(hog_task);
	kthread_bind(hog_task, num_online_cpus() - 1);
	wake_up_process(hog_task);
	return 0;
}

static struct toggle hog = { .set = set_hog };
module_param_cb(hog, &toggle_ops, &hog, 0600);
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

/*
 * Hold scx_fork_rwsem as a reader, as a task in the middle of fork() does: the disabling
 * task waits for it with bypass on, when all tasks are still in sched_ext.
 */
static struct percpu_rw_semaphore *fork_rwsem;

static int find_fork_rwsem(void)
{
	int ret = find_lookup();

	if (ret)
		return ret;
	fork_rwsem = (void *)static_call(lookup)("scx_fork_rwsem");
	return fork_rwsem ? 0 : -ENOENT;
}

static int set_hold_fork(bool on)
{
	int ret = fork_rwsem ? 0 : find_fork_rwsem();

	if (ret)
		return ret;
	/* lockdep has to be told that it is held in user space */
	if (on) {
		percpu_down_read(fork_rwsem);
		percpu_rwsem_release(fork_rwsem, _THIS_IP_);
	} else {
		percpu_rwsem_acquire(fork_rwsem, true, _THIS_IP_);
		percpu_up_read(fork_rwsem);
	}
	return 0;
}

static struct toggle hold_fork = { .set = set_hold_fork };
module_param_cb(hold_fork, &toggle_ops, &hold_fork, 0600);
MODULE_PARM_DESC(hold_fork, "hold scx_fork_rwsem as a reader (one task writes both 1 and 0)");

/* ftrace stops for good, as after a fault of its own. */
typedef void ftrace_kill_fn(void);
DEFINE_STATIC_CALL_NULL(ftrace_kill, ftrace_kill_fn);

static int kill_ftrace(bool on)
{
	void *found = find_function("ftrace_kill");

	if (IS_ERR(found))
		return PTR_ERR(found);
	static_call_update(ftrace_kill, found);
	static_call(ftrace_kill)();
	return 0;
}

static struct toggle dead_ftrace = { .set = kill_ftrace };
module_param_cb(dead_ftrace, &toggle_ops, &dead_ftrace, 0200);
MODULE_PARM_DESC(dead_ftrace, "stop ftrace for good");

static int __init test_init(void)
{
	void *found = find_function("scx_bypass");

	/* its older name */
	if (IS_ERR(found))
		found = find_function("scx_ops_bypass");
	if (IS_ERR(found))
		return PTR_ERR(found);
	static_call_update(scx_bypass, found);
	return 0;
}

static void __exit test_exit(void)
{
	if (hold.on)
		static_call(scx_bypass)(false);
	stop_crew(&pinned);
	stop_crew(&flutter);
	give_states_back();
	if (hog.on)
		kthread_stop(hog_task);
	if (meet.on)
		unregister_kprobe(&meet_kp);
}

module_init(test_init);
module_exit(test_exit);
MODULE_DESCRIPTION("test aid for scx_bypass_lb");
MODULE_LICENSE("GPL");
