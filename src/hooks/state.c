// SPDX-License-Identifier: GPL-2.0-only
/* Makes the hooks active and inactive. docs/design.md has a picture of the states. */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/irq_work.h>
#include <linux/rcupdate.h>

#include "balance/timing.h"
#include "hasten/expedite.h"
#include "hooks/gate.h"
#include "hooks/state.h"
#include "kern/kern.h"
#include "queue/sweep.h"
#include "record/episode.h"

/* how often, and how long each time, the proof is waited for */
#define STATE_PROOF_TRIES	10
#define STATE_PROOF_US		500

bool state_active __read_mostly;
atomic_t state_inside = ATOMIC_INIT(0);

/*
 * The hook of consume_dispatch_q() has been seen to be called as bypass needs it. A
 * compiler may inline that function, or just its test for an empty queue, into one
 * caller and not into another: then a task on a bypass DSQ would never come out. So
 * nothing is redirected before the hook has been called for an empty global DSQ, which
 * says that the test is not in the callers; and, as the kernel has two calls and only
 * one of them is reached in bypass, on a CPU in bypass.
 */
bool state_proven __read_mostly;
static bool state_seen_empty, state_seen_bypass;

/* The proof is found with scheduler locks held; an irq_work runs without them. */
static void state_proven_fn(struct irq_work *work)
{
	gate_update(0, true);
}

static struct irq_work state_proven_work = IRQ_WORK_INIT_HARD(state_proven_fn);

/**
 * state_look_for_proof() - the hook is called for a global DSQ
 * @global: the DSQ
 * @cpu: the CPU that picks a task
 *
 * Context: interrupts off, @cpu's rq locked.
 */
void state_look_for_proof(struct scx_dispatch_q *global, int cpu)
{
	if (list_empty(&global->list))
		WRITE_ONCE(state_seen_empty, true);
	if (kern_cpu_bypassing(cpu))
		WRITE_ONCE(state_seen_bypass, true);
	/* a CPU on its last steps down takes no interrupts any more */
	if (READ_ONCE(state_seen_empty) && READ_ONCE(state_seen_bypass) && cpu_online(cpu)) {
		WRITE_ONCE(state_proven, true);
		irq_work_queue(&state_proven_work);
	}
}

/**
 * state_wait_for_proof() - bypass is about to end, perhaps before a CPU has had a reason to pick
 *
 * A scheduler is being loaded in it. So have all CPUs pick, and wait a moment for the proof.
 *
 * Context: process, may sleep.
 */
void state_wait_for_proof(void)
{
	int cpu, tries = STATE_PROOF_TRIES;

	if (READ_ONCE(state_seen_bypass) || !kern_in_bypass())
		return;
	/* no lock: it does nothing to a CPU that has gone offline */
	for_each_online_cpu(cpu)
		static_call(kern_resched_cpu)(cpu);
	while (!READ_ONCE(state_seen_bypass) && tries--)
		usleep_range(STATE_PROOF_US, 2 * STATE_PROOF_US);
}

/**
 * state_activate() - start to redirect
 * @backend: how functions are redirected, for the log
 *
 * To be called when no task can run the kernel's functions without the hooks
 * any more. If bypass is on, balancing starts now.
 *
 * Context: process, may sleep.
 */
void state_activate(const char *backend)
{
	/* bypass may be on already */
	gate_hold();
	gate_release();
	timing_start();
	WRITE_ONCE(state_active, true);
	timing_update();
	expedite_start();
	episode_after();
	pr_info("hooks active: version %s, backend %s\n", SCX_BYPASS_LB_VERSION, backend);
}

/**
 * state_deactivate() - stop to redirect, and empty the bypass DSQs
 *
 * To be called while every task still runs the hooks: a task that waits on a
 * bypass DSQ is seen by the hook of consume_dispatch_q() alone. On return no
 * task refers to a bypass DSQ, and the hooks only pass calls on.
 *
 * Context: process, may sleep.
 */
void state_deactivate(void)
{
	WRITE_ONCE(state_active, false);
	/* enqueues that have seen the flag run with interrupts off */
	synchronize_rcu();
	/* a task in hook_scx_bypass() may have seen it as well, and deliver tasks */
	state_wait_idle();
	timing_stop_passes();
	expedite_stop();
	episode_stop();
	sweep_drain();
	/* last: a task that waits for one CPU could hold up all of the above */
	timing_stop_guard();
	pr_info("hooks inactive\n");
}

/**
 * state_wait_idle() - wait until the tasks that are inside a hook have left it
 *
 * Context: process, may sleep. Meaningful for the module's text only once no
 * function calls a hook any more. Then a grace period of RCU-tasks must follow, for
 * tasks that were preempted in a hook before or after the part in which they are counted.
 */
void state_wait_idle(void)
{
	while (!state_is_idle())
		msleep(20);
	irq_work_sync(&state_proven_work);
}
