// SPDX-License-Identifier: GPL-2.0-only
/*
 * A moment of quiet while bypass begins and long queues wait.
 *
 * Who disables a scheduler hands each task over to the fair class, and then
 * waits for RCU. Tasks that run meanwhile are in his way: they take his CPUs'
 * time, and those that are preempted inside an RCU read-side section wait for a
 * turn of their queue. So a real-time thread on each CPU has it idle for that
 * long. Real-time tasks still run, RCU's threads among them (see expedite.c), and
 * so do urgent tasks (see bypass_dsq.c).
 *
 * It lasts as long as bypass does, but what a task loses by it is bounded: quiet_ms,
 * and no more than a tenth of the time however often bypass begins. With few tasks
 * for each CPU there is no quiet. And when who disables the scheduler sleeps for long,
 * it pauses now and then: it may be a task that he waits for, say, one in fork().
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/rt.h>
#include <linux/smpboot.h>
#include <linux/timekeeping.h>

#include "bypass_dsq.h"
#include "kern.h"
#include "params.h"
#include "quiet.h"

/*
 * How often a thread looks whether there is something to do: at first so often, and
 * half as often each time that there was not. A look is for free only where CPUs are
 * not shared with others. When the quiet is over a CPU finds out at its next look: that
 * takes no longer than the quiet has been, and a first look.
 */
#define QUIET_STEP_US		500
#define QUIET_STEP_MAX_US	2000
/*
 * How long it lets urgent tasks run: at first so long, and twice as long each
 * time that one of them has not done by then.
 */
#define QUIET_URGENT_US		50
#define QUIET_URGENT_MAX_US	3200
/* tasks of sched_ext, for each CPU, that make it worth while */
#define QUIET_MIN_TASKS		4
/* the time without, in times of the time with it */
#define QUIET_REST		9
/*
 * How long he may sleep, in one go, whom it is for: RCU is waited for less long. And
 * then how long tasks run, until it is quiet again: those that are preempted inside a
 * read-side section meanwhile must not add up.
 */
#define QUIET_PATIENCE_NS	(2 * NSEC_PER_MSEC)
#define QUIET_PAUSE_US		1000

static DEFINE_PER_CPU(struct task_struct *, quiet_thread);

/*
 * Nanoseconds of the monotonic clock. Read and written without a lock. The beginning is
 * put off by each pause.
 */
static u64 quiet_from, quiet_until;

/*
 * Whom it is for. He is forgotten before he ends, see quiet_end(): so in an RCU
 * read-side section this is a task or NULL.
 */
static struct task_struct *quiet_for;

/**
 * is_quiet() - is there a moment of quiet now?
 *
 * Context: any.
 */
bool is_quiet(void)
{
	return ktime_get_mono_fast_ns() < READ_ONCE(quiet_until);
}

static int should_run(unsigned int cpu)
{
	return is_quiet();
}

/*
 * Does an urgent task wait? Perhaps it waits on the local DSQ: when a task of
 * sched_ext is preempted by a thread like this one, its CPU first picks the next
 * one of sched_ext, and then runs the thread. Who it was is not known, so it has
 * its turn; if it was not urgent, it does not come back.
 */
static bool has_urgent(const struct bypass_cpu *bc)
{
	return !list_empty(&bc->urgent.list) || kern_cpu_has_picked(bc->cpu);
}

/* What a thread has last seen of him whom the quiet is for */
struct sleeper {
	unsigned long nr_sleeps;
	u64 since;
};

/* Has he been asleep for too long? */
static bool is_stuck(struct sleeper *seen)
{
	u64 now = ktime_get_mono_fast_ns();
	struct task_struct *p;
	bool asleep = false;

	rcu_read_lock();
	p = READ_ONCE(quiet_for);
	if (p && !task_is_running(p)) {
		unsigned long nr = READ_ONCE(p->nvcsw);

		asleep = seen->since && nr == seen->nr_sleeps;
		seen->nr_sleeps = nr;
	}
	rcu_read_unlock();

	if (!asleep)
		seen->since = now;
	return asleep && now - seen->since > QUIET_PATIENCE_NS;
}

/* A softirq that is left to ksoftirqd would wait for as long as that is kept off. */
static void idle_for(unsigned int us)
{
	local_bh_disable();
	local_bh_enable();
	play_idle_precise((u64)us * NSEC_PER_USEC, U64_MAX);
}

/* All threads do so, and one of them sees to it that it does not count as quiet. */
static void pause_quiet(struct bypass_cpu *bc, struct sleeper *seen)
{
	u64 begin = ktime_get_mono_fast_ns();

	WRITE_ONCE(bc->urgent_only, false);
	usleep_range(QUIET_PAUSE_US, 2 * QUIET_PAUSE_US);
	WRITE_ONCE(bc->urgent_only, true);
	seen->since = 0;
	if (bc->cpu == cpumask_first(cpu_online_mask))
		WRITE_ONCE(quiet_from, READ_ONCE(quiet_from) + ktime_get_mono_fast_ns() - begin);
}

/*
 * When it ends, the thread leaves its CPU, which then looks for a task again: so
 * only the thread itself may say that there is to be none.
 */
static void run(unsigned int cpu)
{
	struct bypass_cpu *bc = per_cpu_ptr(&bypass_cpus, cpu);
	unsigned int us = QUIET_URGENT_US, step_us = QUIET_STEP_US;
	struct sleeper seen = {};

	WRITE_ONCE(bc->urgent_only, true);
	while (is_quiet() && !kthread_should_park() && !kthread_should_stop()) {
		if (is_stuck(&seen)) {
			pause_quiet(bc, &seen);
		} else if (has_urgent(bc)) {
			usleep_range(us, 2 * us);
			us = min(2 * us, QUIET_URGENT_MAX_US);
			step_us = QUIET_STEP_US;
		} else {
			idle_for(step_us);
			us = QUIET_URGENT_US;
			step_us = min(2 * step_us, QUIET_STEP_MAX_US);
		}
	}
	WRITE_ONCE(bc->urgent_only, false);
}

/* The lowest of real-time priorities */
static void setup(unsigned int cpu)
{
	sched_set_fifo_low(current);
}

static struct smp_hotplug_thread threads = {
	.store = &quiet_thread,
	.thread_should_run = should_run,
	.thread_fn = run,
	.setup = setup,
	.thread_comm = "scx_quiet/%u",
};

static bool is_crowded(void)
{
	unsigned int cpu, nr = 0;

	for_each_online_cpu(cpu)
		nr += kern_cpu_nr_tasks(cpu);
	return nr >= QUIET_MIN_TASKS * num_online_cpus();
}

/**
 * quiet_begin() - bypass is about to begin
 *
 * For who is a real-time task, as those are that disable a scheduler: another
 * would have to wait for the end of the quiet itself.
 *
 * CPU hotplug is not locked out: who holds it may be waiting for the tasks that
 * bypass is there for.
 *
 * Context: process, preemptible.
 */
void quiet_begin(void)
{
	u64 span = (u64)READ_ONCE(quiet_ms) * NSEC_PER_MSEC;
	u64 now = ktime_get_mono_fast_ns(), last = READ_ONCE(quiet_until);
	unsigned int cpu;

	if (!span || !rt_task(current) ||
	    now < last + QUIET_REST * (last - READ_ONCE(quiet_from)) || !is_crowded())
		return;

	WRITE_ONCE(quiet_for, current);
	WRITE_ONCE(quiet_from, now);
	WRITE_ONCE(quiet_until, now + span);
	for_each_possible_cpu(cpu) {
		struct task_struct *thread = READ_ONCE(per_cpu(quiet_thread, cpu));

		/* that of a CPU that is not online is parked, which this does not end */
		if (thread)
			wake_up_process(thread);
	}
}

/**
 * quiet_end() - bypass ends, or the redirection: the quiet is over
 *
 * To be called whenever somebody leaves bypass, so that he whom the quiet is for is
 * forgotten before he is gone.
 *
 * Context: process.
 */
void quiet_end(void)
{
	u64 now = ktime_get_mono_fast_ns();

	WRITE_ONCE(quiet_for, NULL);
	if (now < READ_ONCE(quiet_until))
		WRITE_ONCE(quiet_until, now);
}

/**
 * quiet_init() - make a thread for each CPU
 *
 * Context: process, may sleep.
 * Return: 0 or a negative errno.
 */
int quiet_init(void)
{
	return smpboot_register_percpu_thread(&threads);
}

/**
 * quiet_exit() - end the threads
 *
 * Context: process, may sleep. The quiet has been ended, and none begins any more.
 */
void quiet_exit(void)
{
	smpboot_unregister_percpu_thread(&threads);
}
