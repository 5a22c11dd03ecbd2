// SPDX-License-Identifier: GPL-2.0-only
/*
 * Are the hooked functions called as their prototypes and symbols say? No check at load
 * can tell. They are static functions, so a compiler may change how they are called, and
 * this cannot be seen in the symbols. So the hooks redirect nothing until they have seen
 * that
 *
 * - the arguments come where the prototype says. A function need not get an argument that
 *   it does not use. Clang leaves it out and moves the others up, and neither the symbol
 *   nor, if it was made by an old pahole, the BTF changes. Before this is known, no
 *   argument is looked into. (The hook of dispatch_enqueue() compares at each call.) A newer
 *   pahole does not describe such a function, see sites.c.
 * - the hook of consume_dispatch_q() is called at all where bypass needs it. The compiler
 *   may inline that function, or just its test for an empty queue, into one caller and not
 *   into another: then a task on a bypass DSQ would never come out. A call for an
 *   empty global DSQ says that the test is not in the callers. And the kernel calls the
 *   function in two places of a pick. The second one is not reached by a pick that begins in
 *   bypass, but it is by one during which bypass begins, because a pick may drop its lock. So a
 *   call is needed of a pick that has begun in bypass.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/irq_work.h>
#include <linux/smp.h>
#include <linux/uaccess.h>

#include "balance/guard.h"
#include "hooks/gate.h"
#include "hooks/proof.h"
#include "kern/kern.h"

/* how often, and how long each time, the proof is waited for */
#define PROOF_TRIES	10
#define PROOF_US	500
/* in all: some wait in vain, because the scheduler failed to load, or the hooks are never called */
#define PROOF_TRIES_ALL	(10 * PROOF_TRIES)

static enum proof_args proof_args __read_mostly;
static bool proof_seen_empty, proof_seen_bypass;
static bool proof_may_be_whole __ro_after_init;

/**
 * struct proof_cpu - whether the picks of a CPU begin in bypass
 * @outside: sent by a pick, comes when that has ended, as interrupts are off in picks
 * @since: gate_changes as it was then, if the CPU was in bypass and that was not changing
 */
struct proof_cpu {
	struct irq_work outside;
	unsigned long since;
};

/* Hard interrupt. */
static void proof_outside_fn(struct irq_work *work)
{
	struct proof_cpu *pc = container_of(work, struct proof_cpu, outside);
	unsigned long changes = gate_settled();

	/* if bypass changes between the two, the number is an old one and does not count */
	if (changes && kern_cpu_bypassing(smp_processor_id()))
		WRITE_ONCE(pc->since, changes);
}

static DEFINE_PER_CPU(struct proof_cpu, proof_cpus);

/* The proof is completed with scheduler locks held; an irq_work runs without them. */
static void proof_complete_fn(struct irq_work *work)
{
	gate_prove();
	guard_watch_global(GUARD_UNPROVEN, false);
}

static struct irq_work proof_complete_work = IRQ_WORK_INIT_HARD(proof_complete_fn);

/**
 * proof_init() - set up what the hooks use
 * @described: the kernel's BTF has consume_dispatch_q() as its source does
 *
 * Not by an initializer: older kernels do not relocate pointers in a module's per-CPU data.
 *
 * Context: process, before there are hooks.
 */
void __init proof_init(bool described)
{
	int cpu;

	proof_may_be_whole = described;
	for_each_possible_cpu(cpu)
		per_cpu(proof_cpus, cpu).outside = IRQ_WORK_INIT_HARD(proof_outside_fn);
}

/* Is it a global DSQ? It may be anything, also no address. */
static bool proof_is_global(const struct scx_dispatch_q *dsq)
{
	u64 id;

	return !get_kernel_nofault(id, &dsq->id) && id == SCX_DSQ_GLOBAL;
}

/**
 * proof_consume_args() - with which arguments is consume_dispatch_q() called?
 * @first: the first one in this call, which may be anything
 * @second: the second one, likewise
 * @third: the third one, likewise
 *
 * The first call that tells is the one that counts. The loaded scheduler and a run queue are never
 * at the same address, and no other DSQ has the id of a global one. A function that is not
 * described is one of which an argument is missing, or it may be another one than the one that is
 * known: then nothing is proven.
 *
 * Context: interrupts off.
 * Return: which ones, PROOF_ARGS_UNKNOWN if no call has told yet.
 */
enum proof_args proof_consume_args(const void *first, const void *second, const void *third)
{
	if (likely(READ_ONCE(proof_args) != PROOF_ARGS_UNKNOWN))
		return READ_ONCE(proof_args);
	if (kern_is_loaded_sched(first) && proof_may_be_whole && proof_is_global(third))
		WRITE_ONCE(proof_args, PROOF_ARGS_WHOLE);
	else if (first == kern_cpu_rq(smp_processor_id()) && proof_is_global(second))
		WRITE_ONCE(proof_args, PROOF_ARGS_SHORT);
	return READ_ONCE(proof_args);
}

/*
 * A pick sees its CPU, whose rq is locked, in bypass. If bypass has not changed since the CPU was
 * seen in bypass outside of a pick, this pick has begun in bypass. With core scheduling
 * a CPU also picks for others: these picks do not count.
 */
static void proof_see_bypass(int cpu)
{
	struct proof_cpu *pc = this_cpu_ptr(&proof_cpus);

	if (cpu != smp_processor_id())
		return;
	if (READ_ONCE(pc->since) == READ_ONCE(gate_changes))
		WRITE_ONCE(proof_seen_bypass, true);
	else if (cpu_online(cpu))
		irq_work_queue(&pc->outside);
}

/**
 * proof_see_consume() - consume_dispatch_q() is called for a global DSQ
 * @global: the DSQ
 * @cpu: the CPU that picks a task
 *
 * Context: interrupts off, @cpu's rq locked.
 */
void proof_see_consume(struct scx_dispatch_q *global, int cpu)
{
	if (list_empty(&global->list))
		WRITE_ONCE(proof_seen_empty, true);
	if (kern_cpu_bypassing(cpu))
		proof_see_bypass(cpu);
	/* a CPU on its last steps down takes no interrupts any more */
	if (READ_ONCE(proof_seen_empty) && READ_ONCE(proof_seen_bypass) && cpu_online(cpu))
		irq_work_queue(&proof_complete_work);
}

/**
 * proof_wait() - bypass is about to end, perhaps before a CPU has had a reason to pick
 *
 * If the current task is loading a scheduler, have all CPUs pick, and wait a moment for the proof.
 * Each time it may wait for a turn of the other tasks. Other tasks leave bypass as soon as without
 * the module.
 *
 * Context: process, may sleep. @left is protected by the mutex that the task has.
 */
void proof_wait(void)
{
	static int left = PROOF_TRIES_ALL;
	int cpu, tries = PROOF_TRIES;

	if (kern_enable_mutex_owner() != current || !kern_sched_is_bypassed())
		return;
	/* the first pick of a CPU is no proof */
	for (; !READ_ONCE(proof_seen_bypass) && tries && left; tries--, left--) {
		/* no lock: it does nothing to a CPU that has gone offline */
		for_each_online_cpu(cpu)
			static_call(kern_resched_cpu)(cpu);
		usleep_range(PROOF_US, 2 * PROOF_US);
	}
}

/**
 * proof_sync() - wait until the interrupts that picks have sent are done
 *
 * Context: process, may sleep.
 */
void proof_sync(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		irq_work_sync(&per_cpu(proof_cpus, cpu).outside);
	irq_work_sync(&proof_complete_work);
}
