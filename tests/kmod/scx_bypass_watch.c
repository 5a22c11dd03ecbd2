// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests only: the watch. It looks for a CPU that idles for more than 20 ms
 * while tasks wait on its own bypass DSQs, which it should have run.
 *
 * A tracepoint tells which CPUs idle. Every 5 ms a timer of CPU 0 asks those of
 * them that have tasks, by an interrupt, and such a CPU looks at itself. So
 * - a CPU of the guest that the host does not run answers nothing, and its time
 *   does not count: each look is a moment in which it could have run a task;
 * - nor does time count in which the host does not run the CPU of the node's guard, which wakes
 *   a CPU that idles because the fair class has ended the kernel's search for a task;
 * - an idle that never ends is seen as well;
 * - no task of the watch makes a CPU schedule, which would end what is looked for;
 * - a CPU that has work pays for one call of the tracepoint per switch.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/hrtimer.h>
#include <linux/kprobes.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/static_call.h>
#include <linux/topology.h>
#include <linux/tracepoint.h>
#include <trace/events/sched.h>

#include "balance/lb_node.h"
#include "lookup.h"
#include "queue/bypass_dsq.h"

#define LOOK_NS		(5 * NSEC_PER_MSEC)
#define LIMIT_NS	(20 * NSEC_PER_MSEC)
/* of one idle, with no gap between them, before it is a fault */
#define LEAST_LOOKS	4

/* looks that the CPU of a guard may leave unanswered */
#define MOST_UNANSWERED	20

/* CPU 0 cannot go down, so its timer always runs */
#define TIMER_CPU	0

static unsigned int faults;
module_param(faults, uint, 0400);
MODULE_PARM_DESC(faults, "idles of a CPU with tasks on its own bypass DSQs");

static unsigned int longest_us;
module_param(longest_us, uint, 0400);
MODULE_PARM_DESC(longest_us, "the longest one");

static unsigned int looks;
module_param(looks, uint, 0400);
MODULE_PARM_DESC(looks, "times that a CPU was found idle with tasks, however short");

static unsigned int rounds;
module_param(rounds, uint, 0400);
MODULE_PARM_DESC(rounds, "times that the timer looked at all CPUs");

static unsigned int stalls;
module_param(stalls, uint, 0400);
MODULE_PARM_DESC(stalls, "times that a guard's CPU had not answered since the last look");

static bool blind;
module_param(blind, bool, 0400);
MODULE_PARM_DESC(blind, "the module was loaded, and its bypass DSQs were not found");

static bool cookies;
module_param(cookies, bool, 0600);
MODULE_PARM_DESC(cookies, "tasks have cookies of core scheduling");

static char what[128] = "nothing";
module_param_string(what, what, sizeof(what), 0400);
MODULE_PARM_DESC(what, "the first fault");

/**
 * struct watched - what is known of a CPU; written by that CPU, except what others are named for
 * @idle: it runs its idle task
 * @switches: number of its context switches
 * @left: the task that it ran last
 * @nr: looks at the present idle
 * @at: @switches at the first of them
 * @since: when that was
 * @told: it has been told
 * @gap: since the last look the timer has seen it with a task, or without any waiting
 * @look: makes the CPU look at itself
 * @asked: as the CPU of a guard it has been asked to answer, and has not yet
 * @unanswered: so many looks ago; written by the timer alone
 * @answer: makes it answer
 */
struct watched {
	bool idle;
	unsigned int switches;
	char left[TASK_COMM_LEN];
	unsigned int nr;
	unsigned int at;
	u64 since;
	bool told;
	bool gap;
	call_single_data_t look;
	bool asked;
	unsigned int unanswered;
	call_single_data_t answer;
};

static DEFINE_PER_CPU(struct watched, watched);
static struct hrtimer timer;

/* the module under test and its variables, while it is there; an RCU reader may use them */
static const struct module *tested;
static struct bypass_cpu __percpu *queues;
static struct lb_node ***nodes;

static unsigned int queued_on(int cpu)
{
	struct bypass_cpu __percpu *all = READ_ONCE(queues);

	return all ? bypass_dsq_cpu_nr(per_cpu_ptr(all, cpu)) : 0;
}

/*
 * Is this CPU in its idle task for good? Not when a soft interrupt was
 * interrupted, nor when it is about to schedule. A thread that plays idle is a
 * task like any other. And one that is going down may not run what waits on its queues:
 * others take that, which the case hotplug looks at.
 */
static bool idles(void)
{
	return !current->pid && !in_serving_softirq() && !need_resched() &&
	       cpu_active(smp_processor_id());
}

/*
 * Core scheduling makes a CPU idle while a sibling of it runs a task with another cookie,
 * without the module, too.
 */
static bool may_be_forced_idle(int cpu)
{
#ifdef CONFIG_SCHED_CORE
	int sibling;

	for_each_cpu(sibling, cpu_smt_mask(cpu))
		if (sibling != cpu && !READ_ONCE(per_cpu(watched, sibling).idle))
			return READ_ONCE(cookies);
#endif
	return false;
}

static void note_fault(const struct watched *w, int cpu, unsigned int queued)
{
	if (!faults++)
		snprintf(what, sizeof(what), "CPU %d idles with %u tasks of its own, after %s", cpu,
			 queued, w->left);
	pr_info("CPU %d idles though %u tasks wait on its own queues; it ran %s last\n", cpu,
		queued, w->left);
}

/* On the CPU that is looked at, in a hard interrupt. */
static void look_at_this_cpu(void *unused)
{
	struct watched *w = this_cpu_ptr(&watched);
	int cpu = smp_processor_id();
	unsigned int queued = queued_on(cpu);
	u64 now = ktime_get_mono_fast_ns();

	if (!queued || !idles() || may_be_forced_idle(cpu)) {
		w->nr = 0;
		return;
	}
	looks++;
	if (!w->nr || w->at != w->switches || READ_ONCE(w->gap)) {
		WRITE_ONCE(w->gap, false);
		w->nr = 1;
		w->at = w->switches;
		w->since = now;
		w->told = false;
		return;
	}
	if (++w->nr < LEAST_LOOKS || now - w->since <= LIMIT_NS)
		return;
	if (!w->told)
		note_fault(w, cpu, queued);
	w->told = true;
	longest_us = max_t(u64, longest_us, (now - w->since) / NSEC_PER_USEC);
}

static void answer_fn(void *unused)
{
	WRITE_ONCE(this_cpu_ptr(&watched)->asked, false);
}

static void ask_guard(const struct lb_node *node)
{
	int cpu, guard = READ_ONCE(node->timing.guard_cpu);
	struct watched *w;

	if (guard < 0 || guard == TIMER_CPU || !cpu_online(guard))
		return;
	w = per_cpu_ptr(&watched, guard);
	if (!READ_ONCE(w->asked)) {
		w->unanswered = 0;
		WRITE_ONCE(w->asked, true);
		smp_call_function_single_async(guard, &w->answer);
		return;
	}
	/* then it is no fault of the host */
	if (++w->unanswered > MOST_UNANSWERED)
		return;
	stalls++;
	for_each_cpu(cpu, node->cpus)
		WRITE_ONCE(per_cpu(watched, cpu).gap, true);
}

/* The module's exit function frees its nodes some grace periods after the state has changed. */
static void ask_guards(void)
{
	const struct module *mod = READ_ONCE(tested);
	int id;

	if (!mod || READ_ONCE(mod->state) != MODULE_STATE_LIVE)
		return;
	for (id = 0; id < nr_node_ids; id++)
		if ((*nodes)[id])
			ask_guard((*nodes)[id]);
}

static enum hrtimer_restart timer_fn(struct hrtimer *t)
{
	int cpu;

	rounds++;
	ask_guards();
	for_each_online_cpu(cpu) {
		struct watched *w = per_cpu_ptr(&watched, cpu);

		if (!READ_ONCE(w->idle) || !queued_on(cpu))
			WRITE_ONCE(w->gap, true);
		else if (cpu == TIMER_CPU)
			look_at_this_cpu(NULL);
		else
			smp_call_function_single_async(cpu, &w->look);
	}
	hrtimer_forward_now(t, ns_to_ktime(LOOK_NS));
	return HRTIMER_RESTART;
}

static void on_switch(void *unused, bool preempt, struct task_struct *prev,
		      struct task_struct *next, unsigned int prev_state)
{
	struct watched *w = this_cpu_ptr(&watched);

	WRITE_ONCE(w->idle, !next->pid);
	w->switches++;
	if (!next->pid)
		memcpy(w->left, prev->comm, sizeof(w->left));
}

static void find_queues(const struct module *mod)
{
	unsigned long found = static_call(lookup)("scx_bypass_lb:bypass_cpus");

	nodes = (struct lb_node ***)static_call(lookup)("scx_bypass_lb:lb_nodes");
	if (!found || !nodes)
		blind = true;
	else
		WRITE_ONCE(tested, mod);
	WRITE_ONCE(queues, (struct bypass_cpu __percpu *)found);
}

static int on_module(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct module *mod = data;

	if (strcmp(mod->name, "scx_bypass_lb"))
		return NOTIFY_DONE;
	if (event == MODULE_STATE_COMING) {
		find_queues(mod);
	} else if (event == MODULE_STATE_GOING) {
		WRITE_ONCE(tested, NULL);
		WRITE_ONCE(queues, NULL);
		synchronize_rcu();
	}
	return NOTIFY_DONE;
}

static struct notifier_block module_nb = {
	.notifier_call = on_module,
};

static struct tracepoint *sched_switch;

static void find_tracepoint(struct tracepoint *tp, void *unused)
{
	if (!strcmp(tp->name, "sched_switch"))
		sched_switch = tp;
}

static void start_timer(void *unused)
{
#ifdef HAVE_HRTIMER_SETUP
	hrtimer_setup(&timer, timer_fn, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
#else
	hrtimer_init(&timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	timer.function = timer_fn;
#endif
	hrtimer_start(&timer, ns_to_ktime(LOOK_NS), HRTIMER_MODE_REL_PINNED_HARD);
}

static int __init watch_init(void)
{
	int ret, cpu;

	check_trace_callback_type_sched_switch(on_switch);
	ret = find_lookup();
	if (ret)
		return ret;
	for_each_kernel_tracepoint(find_tracepoint, NULL);
	if (!sched_switch)
		return -ENOENT;
	for_each_possible_cpu(cpu) {
		INIT_CSD(&per_cpu(watched, cpu).look, look_at_this_cpu, NULL);
		INIT_CSD(&per_cpu(watched, cpu).answer, answer_fn, NULL);
	}

	ret = tracepoint_probe_register(sched_switch, on_switch, NULL);
	if (ret)
		return ret;
	register_module_notifier(&module_nb);
	return smp_call_function_single(TIMER_CPU, start_timer, NULL, true);
}

/* It stays: a guest lives for one case. So there is no exit function. */
module_init(watch_init);
MODULE_DESCRIPTION("watch for scx_bypass_lb's tests: CPUs that idle with tasks of their own");
MODULE_LICENSE("GPL");
