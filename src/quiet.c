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
 * What a task loses by it is bounded: quiet_ms, and no more than a tenth of the
 * time however often bypass begins. A CPU with tasks enough has each of them
 * wait longer than that anyway; with fewer there is no quiet.
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

/* how often a thread looks whether it is over */
#define QUIET_STEP_NS		(500 * NSEC_PER_USEC)
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

static DEFINE_PER_CPU(struct task_struct *, quiet_thread);

/* Nanoseconds of the monotonic clock. Read and written without a lock. */
static u64 quiet_until;

static bool is_quiet(void)
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

/*
 * When it ends, the thread leaves its CPU, which then looks for a task again: so
 * only the thread itself may say that there is to be none.
 */
static void run(unsigned int cpu)
{
	struct bypass_cpu *bc = per_cpu_ptr(&bypass_cpus, cpu);
	unsigned int us = QUIET_URGENT_US;

	WRITE_ONCE(bc->urgent_only, true);
	while (is_quiet() && !kthread_should_park() && !kthread_should_stop()) {
		if (has_urgent(bc)) {
			usleep_range(us, 2 * us);
			us = min(2 * us, QUIET_URGENT_MAX_US);
		} else {
			play_idle_precise(QUIET_STEP_NS, U64_MAX);
			us = QUIET_URGENT_US;
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
	u64 now = ktime_get_mono_fast_ns();
	unsigned int cpu;

	if (!span || !rt_task(current) || now < READ_ONCE(quiet_until) + QUIET_REST * span ||
	    !is_crowded())
		return;

	WRITE_ONCE(quiet_until, now + span);
	for_each_possible_cpu(cpu) {
		struct task_struct *thread = READ_ONCE(per_cpu(quiet_thread, cpu));

		/* that of a CPU that is not online is parked, which this does not end */
		if (thread)
			wake_up_process(thread);
	}
}

/**
 * quiet_update() - act on a change of bypass: with it the quiet is over
 *
 * Context: process.
 */
void quiet_update(void)
{
	u64 now = ktime_get_mono_fast_ns();

	if (!kern_bypassing() && now < READ_ONCE(quiet_until))
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
 * quiet_exit() - end the quiet and the threads
 *
 * Context: process, may sleep.
 */
void quiet_exit(void)
{
	WRITE_ONCE(quiet_until, 0);
	smpboot_unregister_percpu_thread(&threads);
}
