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
 *   argument is looked into. (The hook of dispatch_enqueue() compares at each call.)
 * - the hook of consume_dispatch_q() is called at all where bypass needs it. The compiler
 *   may inline that function, or just its test for an empty queue, into one caller and not
 *   into another: then a task on a bypass DSQ would never come out. A call for an
 *   empty global DSQ says that the test is not in the callers; and, as the kernel has two
 *   calls and only one of them is reached in bypass, one on a CPU in bypass is needed.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/irq_work.h>
#include <linux/smp.h>

#include "balance/guard.h"
#include "hooks/gate.h"
#include "hooks/proof.h"
#include "kern/kern.h"

/* how often, and how long each time, the proof is waited for */
#define PROOF_TRIES	10
#define PROOF_US	500

bool proof_complete __read_mostly;
enum proof_args proof_consume __read_mostly;
static bool proof_seen_empty, proof_seen_bypass;

/* The proof is completed with scheduler locks held; an irq_work runs without them. */
static void proof_complete_fn(struct irq_work *work)
{
	gate_update(0, true);
	guard_watch_global(false);
}

static struct irq_work proof_complete_work = IRQ_WORK_INIT_HARD(proof_complete_fn);

/**
 * proof_find_consume_args() - learn from a call how consume_dispatch_q() is called
 * @first: the first argument, which may be anything
 *
 * The loaded scheduler and a run queue are never at the same address. All other parameters
 * of the function are used by it, so none of them can be missing.
 *
 * Context: interrupts off.
 */
enum proof_args proof_find_consume_args(const void *first)
{
	if (kern_is_loaded_sched(first))
		WRITE_ONCE(proof_consume, PROOF_ARGS_WHOLE);
	else if (first == kern_cpu_rq(smp_processor_id()))
		WRITE_ONCE(proof_consume, PROOF_ARGS_SHORT);
	return READ_ONCE(proof_consume);
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
		WRITE_ONCE(proof_seen_bypass, true);
	/* a CPU on its last steps down takes no interrupts any more */
	if (READ_ONCE(proof_seen_empty) && READ_ONCE(proof_seen_bypass) && cpu_online(cpu)) {
		WRITE_ONCE(proof_complete, true);
		irq_work_queue(&proof_complete_work);
	}
}

/**
 * proof_wait() - bypass is about to end, perhaps before a CPU has had a reason to pick
 *
 * A scheduler is being loaded in it. So have all CPUs pick, and wait a moment for the proof.
 *
 * Context: process, may sleep.
 */
void proof_wait(void)
{
	int cpu, tries = PROOF_TRIES;

	if (READ_ONCE(proof_seen_bypass) || !kern_in_bypass())
		return;
	/* no lock: it does nothing to a CPU that has gone offline */
	for_each_online_cpu(cpu)
		static_call(kern_resched_cpu)(cpu);
	while (!READ_ONCE(proof_seen_bypass) && tries--)
		usleep_range(PROOF_US, 2 * PROOF_US);
}

/**
 * proof_sync() - wait until the interrupt that a complete proof has sent is done
 *
 * Context: process, may sleep.
 */
void proof_sync(void)
{
	irq_work_sync(&proof_complete_work);
}
