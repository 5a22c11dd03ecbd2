// SPDX-License-Identifier: GPL-2.0-only
/*
 * enable: a task that is older than all others attaches a scheduler while tasks of the fair
 * class keep all CPUs busy. The kernel moves the tasks to sched_ext from the oldest on, so the
 * attaching task goes before them, and the fair class runs first.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab.h"

#define TASKS_PER_CPU	8
#define MORE_ROUNDS	8
/* of the host */
#define ENABLE_SECONDS	180
/* of the host, on the stock kernel; less than the scheduler's watchdog has patience */
#define STOCK_SECONDS	20

/* what the attaching task has, and is to have afterwards; the slice in ns */
#define NICE		(-3)
#define TIMER_SLACK_NS	70000
#define SLICE_NS	1500000ull

/* struct sched_attr of the kernel, in its first form */
struct attributes {
	unsigned int size, policy;
	unsigned long long flags;
	int nice;
	unsigned int priority;
	unsigned long long runtime, deadline, period;
};

/* not that of the attaching task */
#define HOG_CPU	7

#define RESET_ON_FORK	1

/* a round for each: the policy of the attaching task */
static const int policies[] = { SCHED_OTHER, SCHED_BATCH, SCHED_IDLE, SCHED_EXT };

/**
 * struct attach_state - shared with the attaching task
 * @go: it may attach
 * @fails: ops.init_task() is to fail
 * @attached: it has come back
 * @ret: with what
 * @nice: what a child of it would have got as it came back
 */
static struct attach_state {
	int go, fails, attached, ret, nice;
} *state;

static int pin_to_one(int index)
{
	return pin_to(index % GUEST_CPUS, index % GUEST_CPUS);
}

/*
 * A task of SCHED_IDLE would wait for a CPU for ages before it comes to attach. And one round is
 * to be with a task that need not be raised.
 */
static bool is_crowded(int policy)
{
	return policy != SCHED_IDLE && policy != SCHED_EXT;
}

static unsigned int flags_of(int policy)
{
	return policy == SCHED_BATCH ? 0 : RESET_ON_FORK;
}

static void __noreturn attach_when_told(int policy)
{
	const struct attributes attr = {
		.size = sizeof(attr),
		.policy = policy,
		.flags = flags_of(policy),
		.nice = NICE,
		.runtime = SLICE_NS,
	};
	const struct sched_opts fails = { .which = SCHED_PILE, .fail_init_at = 20 };

	if (syscall(SYS_sched_setattr, 0, &attr, 0) || prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS))
		_exit(1);
	while (!flag_is_set(&state->go))
		usleep(1000);
	state->ret = state->fails ? sched_attach(&fails) : sched_attach_next();
	state->nice = getpriority(PRIO_PROCESS, 0);
	__atomic_store_n(&state->attached, 1, __ATOMIC_RELEASE);
	for (;;)
		usleep(1000);
}

/* Wakes up all the time, and then preempts what sched_ext runs there. */
static pid_t begin_to_nap(int cpu)
{
	pid_t pid = start_child("napping");

	if (pid)
		return pid;
	if (pin_to(cpu, cpu))
		_exit(1);
	for (;;)
		usleep(100);
}

/*
 * The module does this twice if a task is to have a real-time priority for a while; for RCU's
 * threads, too, so these are left out (NO_OTHERS).
 */
#define NO_OTHERS	"expedite_rcu=0"
#define CHANGES		"p:changes sched_setattr_nocheck\n"

/* rounds in which it did */
static int rounds_raised;

static struct attributes attributes_of(pid_t pid)
{
	struct attributes attr = { };

	if (syscall(SYS_sched_getattr, pid, &attr, sizeof(attr), 0))
		give_up("sched_getattr: %s", strerror(errno));
	return attr;
}

static bool has_policy_before(void *pid)
{
	struct attributes attr = attributes_of(*(pid_t *)pid);

	return attr.policy != SCHED_FIFO && (attr.policy == SCHED_IDLE || attr.nice == NICE);
}

static void check_is_as_before(pid_t pid, int policy, const char *when)
{
	struct attributes attr;
	char path[64];
	bool soon;

	/* the module may have to look once more */
	soon = wait_for(has_policy_before, &pid, 30);
	attr = attributes_of(pid);
	check(soon && (int)attr.policy == policy, "%s: the attaching task has policy %u", when,
	      attr.policy);
	check((attr.flags & RESET_ON_FORK) == flags_of(policy), "%s: and its flags %#llx", when,
	      attr.flags);
	if (policy != SCHED_IDLE) {
		check(attr.nice == NICE, "%s: and its nice value %d", when, attr.nice);
		check(attr.runtime == SLICE_NS, "%s: and its slice %llu", when, attr.runtime);
	}
	snprintf(path, sizeof(path), "/proc/%d/timerslack_ns", pid);
	check(read_long(path) == TIMER_SLACK_NS, "%s: and its timer slack %ld", when,
	      read_long(path));
}

/* The nice value that is kept for a task which has none. */
static void check_kept_nice(pid_t pid)
{
	if (set_priority(pid, 0))
		give_up("set_priority");
	check(getpriority(PRIO_PROCESS, pid) == 0, "SCHED_IDLE: then it has nice value %d",
	      getpriority(PRIO_PROCESS, pid));
}

/* Its link is still there, so the scheduler is removed in another way. */
static void check_weight(pid_t pid, long before, const char *when)
{
	long weight;

	sched_press_sysrq();
	check(wait_for(sched_is_off, NULL, 60), "%s: the scheduler goes", when);
	weight = fair_weight_of(pid);
	if (!before)
		info("this kernel does not tell what weight a task has");
	check(weight == before,
	      "%s: the attaching task has the weight that it had in the fair class, %ld (%ld)",
	      when, weight, before);
}

static pid_t start_attaching(int policy)
{
	pid_t pid;

	memset(state, 0, sizeof(*state));
	pid = start_child("attaching");
	if (!pid)
		attach_when_told(policy);
	return pid;
}

/* @unload: the module, meanwhile. Then it is as without the module. */
static void enable(int policy, bool module, bool unload)
{
	pid_t attaching = start_attaching(policy), napping[GUEST_CPUS];
	unsigned long changes = probe_hits("changes");
	char when[32];
	bool attached;
	long weight;
	int i;

	snprintf(when, sizeof(when), "policy %d%s", policy, unload ? ", unloaded" : "");
	spawn(is_crowded(policy) ? TASKS_PER_CPU * GUEST_CPUS : GUEST_CPUS / 2, 0, pin_to_one);
	for (i = 0; i < GUEST_CPUS; i++)
		napping[i] = begin_to_nap(i);
	sleep_ms(200);
	weight = fair_weight_of(attaching);

	__atomic_store_n(&state->go, 1, __ATOMIC_RELEASE);
	if (unload) {
		info("%s: in bypass: %d", when, wait_for(bypass_is_on, NULL, STOCK_SECONDS));
		module_unload();
	}
	attached = wait_for(flag_is_set, &state->attached,
			    module && !unload ? ENABLE_SECONDS : STOCK_SECONDS);
	if (module && !unload)
		check(attached, "%s: the scheduler is attached", when);
	else
		info("%s: is the scheduler attached? %d", when, attached);
	if (attached)
		must_progress(60, "under the scheduler");
	else
		tell_task(attaching);
	/* the others may be behind these */
	kill_tasks();
	end_children(napping, GUEST_CPUS);
	if (!wait_for(flag_is_set, &state->attached, ENABLE_SECONDS))
		give_up("the scheduler is not attached on an idle machine");
	check(!state->ret, "%s: attaching (%s)", when, strerror(-state->ret));
	check_is_as_before(attaching, policy, when);
	rounds_raised += probe_hits("changes") >= changes + 2;
	check_weight(attaching, weight, when);
	if (policy == SCHED_IDLE)
		check_kept_nice(attaching);
	end_children(&attaching, 1);
}

/*
 * Then another task leaves bypass. Some kernels stay in bypass, see case_leak.c. The module's
 * thread looks for that as well, but does not come to run.
 */
static void fail_to_enable(bool module)
{
	pid_t attaching = start_attaching(SCHED_OTHER), hog = 0;

	if (module) {
		pid_t thread;

		if (find_tasks("scx_bypass_lb", &thread, 1) != 1 ||
		    pin_to_range(thread, HOG_CPU, 1))
			give_up("the module's thread cannot be held off");
		pin_to(0, 0);
		hogs_may_run();
		hog = hog_begin(HOG_CPU, HOG_PRIO);
	}
	state->fails = 1;
	__atomic_store_n(&state->go, 1, __ATOMIC_RELEASE);
	if (!wait_for(flag_is_set, &state->attached, ENABLE_SECONDS))
		give_up("a failure does not come back");
	check(kernel_log_has("ops.init_task() failed"), "attaching fails");
	check(state->nice == NICE, "after a failure a child would get nice value %d", state->nice);
	if (module)
		end_children(&hog, 1);
	check_is_as_before(attaching, SCHED_OTHER, "after a failure");
	end_children(&attaching, 1);
}

static void case_enable(bool module)
{
	/* newer kernels attach schedulers in a thread of their own */
	bool kernel_does = file_has("/proc/kallsyms", "enable_workfn");
	size_t i;

	state = map_shared(sizeof(*state));
	must_attach(SCHED_PILE);
	sched_must_go();
	sched_load_next();
	set_probes(CHANGES);
	if (module)
		module_load(NO_OTHERS);
	for (i = 0; i < ARRAY_SIZE(policies) * test_times; i++)
		enable(policies[i % ARRAY_SIZE(policies)], module, false);
	/* it may have been fast enough each time */
	for (i = 0; module && !kernel_does && !rounds_raised && i < MORE_ROUNDS; i++)
		enable(SCHED_OTHER, module, false);
	if (!kernel_does)
		check(module == !!rounds_raised, "in %d rounds the attaching task was raised",
		      rounds_raised);
	if (module) {
		enable(SCHED_OTHER, module, true);
		module_load("");
		enable(SCHED_OTHER, module, false);
	}
	set_probes("");
	fail_to_enable(module);
	if (module)
		module_unload();
}

CASE(enable) = {
	.shows =
		"a scheduler is attached while tasks of the fair class keep all CPUs busy: that ends, and the attaching task is what it was",
	.variants = "control module",
};
