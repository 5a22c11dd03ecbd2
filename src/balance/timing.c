// SPDX-License-Identifier: GPL-2.0-only
/*
 * When the balancer runs: two timers for each NUMA node, on CPUs of that node, so
 * that the nodes are balanced at the same time and by local memory. One runs the passes,
 * the other is the guard's.
 *
 * They are started as soon as bypass has begun, for a first pass at once, and then
 * start themselves again for as long as bypass is on.
 *
 * Their CPU may not react: it polls with interrupts off, or a hypervisor does not run it. It may
 * do so anywhere, also with the lock of its timers held. So each CPU has timers of its own, and
 * starts no other ones. The next CPU of the node that picks a task takes over, and a timer
 * that finds that another CPU has taken over ends. Both may look at the same time for once. A
 * pass is made by one at a time: if its CPU stops within it, the node's next pass waits.
 */
#include <linux/bitops.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/percpu.h>
#include <linux/sched/clock.h>
#include <linux/sched/isolation.h>
#include <linux/smp.h>
#include <linux/topology.h>

#include "balance/bypass_lb.h"
#include "balance/deliver.h"
#include "balance/guard.h"
#include "balance/lb_node.h"
#include "balance/timing.h"
#include "kern/kern.h"

/* named and limited as kernels with a balancer have them */
#define TIMING_INTV_US_MAX	(10 * USEC_PER_SEC)
#define TIMING_SLICE_US_MIN	100
#define TIMING_SLICE_US_MAX	(100 * USEC_PER_MSEC)

/* a pass that is so late is started elsewhere, jiffies. A timer may be late by an eighth itself */
#define TIMING_LATE(delay)	(HZ / 20 + 1 + (delay) / 7)

unsigned int timing_bypass_lb_intv_us __read_mostly = 500 * USEC_PER_MSEC;
unsigned int timing_slice_bypass_us __read_mostly = 5 * USEC_PER_MSEC;

/* May timers be started? Passes only if the guard's may, too. */
static bool timing_passes, timing_guards;

static bool timing_is_wanted(void)
{
	return READ_ONCE(timing_guards) && kern_sched_is_bypassed();
}

/**
 * struct timing_cpu - a CPU's timers; of each kind one in a node is in use
 * @pass: makes a pass, and starts itself for the next one
 * @guard: looks for CPUs that do not serve their tasks
 * @cpu: the CPU, which may be offline when they expire
 */
struct timing_cpu {
	struct timer_list pass;
	struct hrtimer guard;
	int cpu;
};

static DEFINE_PER_CPU(struct timing_cpu, timing_cpus);

/*
 * Soft interrupt; on PREEMPT_RT a thread, which would keep the node's next pass, and unload,
 * waiting if it were preempted here. So the timer is TIMER_IRQSAFE: interrupts are off at the end.
 */
static void timing_pass_fn(struct timer_list *timer)
{
	struct timing_cpu *tc = container_of(timer, struct timing_cpu, pass);
	struct lb_node *node = lb_nodes[cpu_to_node(tc->cpu)];
	unsigned int intv_us = READ_ONCE(timing_bypass_lb_intv_us);
	unsigned long delay = 1;

	if (!intv_us || !READ_ONCE(timing_passes) || !timing_is_wanted() ||
	    READ_ONCE(node->timing.pass_cpu) != tc->cpu)
		return;
	preempt_disable();
	local_irq_enable();
	if (!deliver_is_due() && !test_and_set_bit_lock(0, &node->timing.pass_busy)) {
		delay = max(usecs_to_jiffies(intv_us), 1UL);
		WRITE_ONCE(node->timing.pass_due, jiffies + delay);
		bypass_lb_node(node, intv_us, READ_ONCE(timing_slice_bypass_us));
		clear_bit_unlock(0, &node->timing.pass_busy);
	}
	local_irq_disable();
	/* not if another CPU has taken over, nor if a pass is wanted at once */
	if (READ_ONCE(node->timing.pass_cpu) == tc->cpu && !timer_pending(timer)) {
		WRITE_ONCE(node->timing.pass_due, jiffies + delay);
		mod_timer(timer, jiffies + delay);
	}
	preempt_enable();
}

/* On this CPU, which takes over. Interrupts are off. */
static void timing_start_guard(struct lb_node *node)
{
	struct timing_cpu *tc = this_cpu_ptr(&timing_cpus);

	WRITE_ONCE(node->timing.guard_cpu, tc->cpu);
	hrtimer_start(&tc->guard, ns_to_ktime(GUARD_INTV_NS), HRTIMER_MODE_REL_PINNED_HARD);
}

/*
 * A pass on this CPU, which takes over, if one is wanted at once, or is late because its CPU does
 * not react. Interrupts are off. Returns false if it was this CPU that did not make it: with
 * threadirqs and PREEMPT_RT a thread makes the passes, which a real-time task keeps off its CPU.
 */
static bool timing_start_pass(struct lb_node *node)
{
	struct timing_cpu *tc = this_cpu_ptr(&timing_cpus);
	unsigned int intv_us = READ_ONCE(timing_bypass_lb_intv_us);
	unsigned long late = READ_ONCE(node->timing.pass_due) +
			     TIMING_LATE(usecs_to_jiffies(intv_us));
	bool now = xchg(&node->timing.pass_now, false), was_here;

	if ((!now && !time_after(jiffies, late)) || !intv_us || !READ_ONCE(timing_passes))
		return true;
	was_here = READ_ONCE(node->timing.pass_cpu) == tc->cpu;
	WRITE_ONCE(node->timing.pass_cpu, tc->cpu);
	WRITE_ONCE(node->timing.pass_due, jiffies);
	/* if the timer was not pending, its function runs */
	return !mod_timer(&tc->pass, jiffies) || now || !was_here;
}

/* On the CPU where the timers are to run, interrupts are off. */
static void timing_start_fn(struct irq_work *work)
{
	struct lb_node *node = container_of(work, struct lb_node, timing.start);

	if (!timing_is_wanted()) {
		/* the guard may have been on its way to this CPU */
		guard_forget(node);
		return;
	}
	/* one that is queued here keeps its time, or frequent updates would postpone the look */
	if (READ_ONCE(node->timing.guard_cpu) != smp_processor_id() ||
	    !hrtimer_is_queued(this_cpu_ptr(&timing_cpus.guard)))
		timing_start_guard(node);
	timing_start_pass(node);
}

/*
 * The CPU for a node's timers: one that is not on its way down, that does the kernel's
 * housekeeping, and where no task of a higher class runs, in this order. If such a task keeps
 * passes from running on CPU @stuck, a CPU without one comes before housekeeping. A CPU that comes
 * up is not active yet, but may be the only one. None for a node without an online CPU.
 */
static int timing_choose_cpu(const struct lb_node *node, int stuck)
{
	int cpu, best = -1, best_score = -1;

	for_each_cpu_and(cpu, node->cpus, cpu_online_mask) {
		bool free = !kern_cpu_nr_others(cpu);
		int score = 8 * cpu_active(cpu) + (stuck >= 0 ? 4 * free : 0) +
			    2 * housekeeping_test_cpu(cpu, HK_TYPE_TIMER) + free;

		if (score > best_score && cpu != stuck) {
			best = cpu;
			best_score = score;
		}
	}
	return best;
}

/* Another CPU than @but is to take over. False: there is none, or it was asked before. */
static bool timing_send(struct lb_node *node, int but, bool stuck)
{
	int cpu = timing_choose_cpu(node, stuck ? but : -1);

	if (cpu < 0 || cpu == but)
		return false;
	if (stuck)
		WRITE_ONCE(node->timing.pass_now, true);
	return static_call(kern_irq_work_queue_on)(&node->timing.start, cpu);
}

/*
 * The guard stays on its CPU, unless a task of a higher class comes there. If the CPU goes down,
 * or the timer has been moved away from one that went down, another CPU of the node takes over.
 */
static enum hrtimer_restart timing_guard_fn(struct hrtimer *timer)
{
	struct timing_cpu *tc = container_of(timer, struct timing_cpu, guard);
	struct lb_node *node = lb_nodes[cpu_to_node(tc->cpu)];
	int this_cpu = smp_processor_id();
	bool stuck;

	if (!timing_is_wanted()) {
		guard_forget(node);
		return HRTIMER_NORESTART;
	}
	if (READ_ONCE(node->timing.guard_cpu) != tc->cpu)
		return HRTIMER_NORESTART;
	WRITE_ONCE(node->timing.looked_ns, local_clock());
	guard_look(node);
	if (!cpumask_test_cpu(this_cpu, node->cpus)) {
		timing_send(node, this_cpu, false);
		return HRTIMER_NORESTART;
	}
	stuck = !timing_start_pass(node);
	if ((cpu_active(this_cpu) && !kern_cpu_nr_others(this_cpu)) ||
	    !timing_send(node, this_cpu, stuck))
		timing_start_guard(node);
	return HRTIMER_NORESTART;
}

/**
 * timing_keep_guard() - a CPU picks a task in bypass: does its node's guard still look?
 * @cpu: the CPU
 *
 * If not, this CPU takes over.
 *
 * Context: interrupts off, @cpu's rq locked. Takes the lock of this CPU's timer base, as the
 * scheduler does, and never that of another one, whose CPU may not react.
 */
void timing_keep_guard(int cpu)
{
	struct lb_node *node = lb_nodes[cpu_to_node(cpu)];
	u64 looked_ns = READ_ONCE(node->timing.looked_ns), now = local_clock();

	if ((s64)(now - looked_ns) <= GUARD_PATIENCE_NS || cpu != smp_processor_id() ||
	    !cpu_active(cpu) || !timing_is_wanted())
		return;
	/* one CPU does it */
	if (cmpxchg(&node->timing.looked_ns, looked_ns, now) == looked_ns)
		timing_start_guard(node);
}

/* To start a timer takes the lock of the CPU where it was last, so each CPU sets up its own. */
static void timing_setup_guard(void *unused)
{
	kern_hrtimer_setup(this_cpu_ptr(&timing_cpus.guard), timing_guard_fn, CLOCK_MONOTONIC,
			   HRTIMER_MODE_REL_PINNED_HARD);
}

/* For any CPU. The timer is not pending. */
static void timing_setup_pass(struct timing_cpu *tc)
{
	timer_setup(&tc->pass, timing_pass_fn, TIMER_PINNED | TIMER_IRQSAFE);
	WRITE_ONCE(tc->pass.flags, (tc->pass.flags & ~TIMER_CPUMASK) | tc->cpu);
}

/**
 * timing_cpu_up() - take this CPU's timers back
 *
 * They were moved to another CPU if they were pending as this one went down.
 *
 * Context: process, may sleep, on the CPU, which comes up. Followed by timing_update().
 */
void timing_cpu_up(void)
{
	struct timing_cpu *tc = this_cpu_ptr(&timing_cpus);

	hrtimer_cancel(&tc->guard);
	timer_delete_sync(&tc->pass);
	local_irq_disable();
	/* an interrupt may have started them meanwhile, here */
	if (!hrtimer_is_queued(&tc->guard))
		timing_setup_guard(NULL);
	if (!timer_pending(&tc->pass))
		timing_setup_pass(tc);
	local_irq_enable();
}

/**
 * timing_update() - act on a change of bypass, of the interval, or of the CPUs
 *
 * Starts a pass at once on every node if bypass is on, and the interval from then on.
 *
 * Context: any with no scheduler locks held.
 */
void timing_update(void)
{
	int i;

	/* parameters also come from the command line, before there are nodes */
	if (!timing_is_wanted())
		return;
	for (i = 0; i < nr_node_ids; i++) {
		struct lb_node *node = lb_nodes[i];

		WRITE_ONCE(node->timing.looked_ns, local_clock());
		WRITE_ONCE(node->timing.pass_now, true);
		/* a CPU that is online stays so until this is over */
		preempt_disable();
		timing_send(node, -1, false);
		preempt_enable();
	}
}

/**
 * timing_start() - allow timers to be started
 *
 * Context: process.
 */
void timing_start(void)
{
	int cpu;

	/* timing_stop_passes() has shut them down */
	for_each_possible_cpu(cpu)
		timing_setup_pass(per_cpu_ptr(&timing_cpus, cpu));
	WRITE_ONCE(timing_passes, true);
	WRITE_ONCE(timing_guards, true);
}

/**
 * timing_stop_passes() - stop the passes, and wait for those under way
 *
 * Context: process, may sleep.
 */
void timing_stop_passes(void)
{
	int cpu;

	WRITE_ONCE(timing_passes, false);
	for_each_possible_cpu(cpu)
		timer_shutdown_sync(&per_cpu(timing_cpus, cpu).pass);
}

/**
 * timing_init() - set up what timing_update() uses
 *
 * Context: process, may sleep, after lb_node_init(), the CPU hotplug lock held until
 * timing_cpu_up() will be called.
 */
void __init timing_init(void)
{
	int i, cpu;

	for (i = 0; i < nr_node_ids; i++)
		lb_nodes[i]->timing.start = IRQ_WORK_INIT_HARD(timing_start_fn);
	for_each_possible_cpu(cpu) {
		struct timing_cpu *tc = per_cpu_ptr(&timing_cpus, cpu);

		tc->cpu = cpu;
		timing_setup_pass(tc);
		kern_hrtimer_setup(&tc->guard, timing_guard_fn, CLOCK_MONOTONIC,
				   HRTIMER_MODE_REL_PINNED_HARD);
	}
	/* one that comes up later does it in timing_cpu_up() */
	on_each_cpu(timing_setup_guard, NULL, true);
}

/**
 * timing_exit() - stop the guard, and wait for it and for what may still start it
 *
 * The guard is the last to go: whatever else unload waits for, an RCU grace period for
 * example, may need the guard in order to end. So this does not wait for a grace period.
 *
 * Context: process, may sleep. After timing_stop_passes(), or nothing was started.
 */
void timing_exit(void)
{
	int i, cpu, round;

	/* wait for a parameter that is being written; a later write starts no timer */
	kernel_param_lock(THIS_MODULE);
	WRITE_ONCE(timing_guards, false);
	kernel_param_unlock(THIS_MODULE);
	/* pairs with an interrupt that is sent: either it is waited for, or it sees the above */
	smp_mb();
	/* each may start another one, which sees the above: the third time none does */
	for (round = 0; round < 3; round++) {
		for (i = 0; i < nr_node_ids; i++)
			irq_work_sync(&lb_nodes[i]->timing.start);
		for_each_possible_cpu(cpu)
			hrtimer_cancel(&per_cpu(timing_cpus, cpu).guard);
	}
}

static int timing_set(const char *val, const struct kernel_param *kp)
{
	bool is_intv = kp->arg == &timing_bypass_lb_intv_us;
	unsigned int min = is_intv ? 0 : TIMING_SLICE_US_MIN;
	unsigned int max = is_intv ? TIMING_INTV_US_MAX : TIMING_SLICE_US_MAX;
	int ret = param_set_uint_minmax(val, kp, min, max);

	if (ret)
		pr_err("%s must be a number from %u to %u\n", kp->name, min, max);
	else if (is_intv)
		timing_update();
	return ret;
}

static const struct kernel_param_ops timing_ops = {
	.set = timing_set,
	.get = param_get_uint,
};

module_param_cb(bypass_lb_intv_us, &timing_ops, &timing_bypass_lb_intv_us, 0600);
MODULE_PARM_DESC(bypass_lb_intv_us,
		 "balancing interval in bypass mode, microseconds (0 to 10000000, 0 = off, default 500000)");

module_param_cb(slice_bypass_us, &timing_ops, &timing_slice_bypass_us, 0600);
MODULE_PARM_DESC(slice_bypass_us,
		 "for how long a pass assumes that a task runs, microseconds (100 to 100000, default 5000)");
