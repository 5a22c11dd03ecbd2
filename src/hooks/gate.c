// SPDX-License-Identifier: GPL-2.0-only
/*
 * When the gates in front of the hooks are open: while bypass is on, or changes, and
 * until the hooks are proven (see proof.c).
 *
 * They open before the flag of any run queue says that bypass is on. A CPU that enqueues
 * a task has that run queue locked, so if it sees bypass, it also sees the gate open;
 * and a pick that began before that finds nothing on the bypass DSQs that it would
 * have to take: what is queued there later comes with a request to pick again, which
 * the pick cannot lose as long as it keeps the lock. Where the kernel's own function
 * drops the lock (policy.c says when) a pick may have passed the gate while it was
 * closed; then guard.c finds the task within milliseconds.
 *
 * They close when scx_bypass() has cleared the flag of every run queue, and has queued
 * every task again: then none is on a bypass DSQ.
 */
#include <linux/spinlock.h>

#include "hooks/gate.h"
#include "kern/kern.h"

bool gate_open __read_mostly;

/* Innermost, interrupts off. Protects gate_changing, gate_proven and writes of gate_open. */
static DEFINE_RAW_SPINLOCK(gate_lock);
/* number of tasks that are about to change bypass */
static unsigned int gate_changing;
static bool gate_proven;

/**
 * gate_update() - open or close the gates
 * @change: 1 if bypass may be about to change, -1 when it has
 * @proven: the hooks have been seen to be called: the gates may close
 *
 * Context: any but under gate_lock.
 */
void gate_update(int change, bool proven)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&gate_lock, flags);
	gate_changing += change;
	gate_proven |= proven;
	WRITE_ONCE(gate_open, gate_changing || !gate_proven || kern_bypassing());
	raw_spin_unlock_irqrestore(&gate_lock, flags);
}
