// SPDX-License-Identifier: GPL-2.0-only
/* Makes the hooks active and inactive. docs/design.md has a picture of the states. */
#include <linux/delay.h>
#include <linux/rcupdate.h>

#include "balance/guard.h"
#include "balance/timing.h"
#include "hooks/gate.h"
#include "hooks/proof.h"
#include "hooks/state.h"
#include "queue/sweep.h"
#include "record/episode.h"

bool state_active __read_mostly;
atomic_t state_inside = ATOMIC_INIT(0);
bool state_stays;
const struct task_struct *state_bypass_task;

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
	gate_change(0);
	timing_start();
	/* a proof is only looked for while active, and then ends this */
	guard_watch_global(GUARD_UNPROVEN, !proof_is_complete());
	guard_watch_global(GUARD_INACTIVE, false);
	WRITE_ONCE(state_active, true);
	timing_update();
	episode_after(false);
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
	/* what waits on a global DSQ may hold up the grace period */
	guard_watch_global(GUARD_INACTIVE, true);
	/* enqueues and picks that have seen the flag run with interrupts off */
	synchronize_rcu();
	/* a task in hook_scx_bypass() may have seen it as well, and deliver tasks */
	state_wait_idle();
	timing_stop_passes();
	episode_stop();
	sweep_drain();
	/* the guard stays until the module goes, because a task that waits could hold that up */
	pr_info("hooks inactive\n");
}

/**
 * state_enter() - the current task is to stay in a hook for some time, if the hooks are active
 *
 * Unload waits for the end of it, by state_leave(). Where the kernel is not preemptible, an
 * RCU-tasks grace period does not wait for a task that was switched out in a hook.
 *
 * Context: process.
 * Return: whether they are; if not, it must not stay, and need not leave.
 */
bool state_enter(void)
{
	/* orders: unload resets the flag, and then looks at the count */
	atomic_inc_return(&state_inside);
	if (state_is_active())
		return true;
	state_leave();
	return false;
}

/**
 * state_leave() - the current task leaves the hook, after state_enter()
 *
 * Context: process.
 */
void state_leave(void)
{
	atomic_dec(&state_inside);
}

/**
 * state_bypass_change_begin() - the current task changes bypass
 *
 * Unload waits for the end of it, as after state_enter().
 *
 * Context: process.
 */
void state_bypass_change_begin(void)
{
	atomic_inc(&state_inside);
	if (!rt_or_dl_task_policy(current))
		cmpxchg(&state_bypass_task, NULL, current);
}

/**
 * state_bypass_change_end() - it has done so, after state_bypass_change_begin()
 *
 * Context: process.
 */
void state_bypass_change_end(void)
{
	cmpxchg(&state_bypass_task, current, NULL);
	state_leave();
}

/**
 * state_wait_idle() - wait until the tasks that are inside a hook have left it
 *
 * Others may enter meanwhile, unless no function calls a hook any more. Even then a grace
 * period of RCU-tasks must follow before the module's text is freed, for tasks that were
 * preempted in a hook before or after the part in which they are counted.
 *
 * Context: process, may sleep.
 */
void state_wait_idle(void)
{
	while (!state_is_idle())
		msleep(20);
	proof_sync();
}
