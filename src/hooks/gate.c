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
bool gate_proven __read_mostly;
unsigned long gate_changes = 1;

/* Innermost, interrupts off. Protects gate_changing and writes of gate_open and gate_changes. */
static DEFINE_RAW_SPINLOCK(gate_lock);
/* number of tasks that are about to change bypass */
static unsigned int gate_changing;

/**
 * gate_change() - open or close the gates, as bypass is on or not
 * @change: 1 and -1 by gate_hold() and gate_release(), else 0
 *
 * Context: any but under gate_lock.
 */
void gate_change(int change)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&gate_lock, flags);
	gate_changing += change;
	if (change > 0)
		WRITE_ONCE(gate_changes, gate_changes + 1);
	WRITE_ONCE(gate_open, gate_changing || !READ_ONCE(gate_proven) || kern_bypassing());
	raw_spin_unlock_irqrestore(&gate_lock, flags);
}

/**
 * gate_prove() - the hooks have been seen to be called: the gates may close
 *
 * Context: any but under gate_lock.
 */
void gate_prove(void)
{
	WRITE_ONCE(gate_proven, true);
	gate_change(0);
}

/**
 * gate_settled() - which change of bypass was the last one?
 *
 * What is read of a CPU's flag after this call was so since that change, if gate_changes is
 * still the same when the flag has been read.
 *
 * Context: any but under gate_lock.
 *
 * Return: gate_changes, or 0 if bypass is changing.
 */
unsigned long gate_settled(void)
{
	unsigned long flags, changes;

	raw_spin_lock_irqsave(&gate_lock, flags);
	changes = gate_changing ? 0 : gate_changes;
	raw_spin_unlock_irqrestore(&gate_lock, flags);
	return changes;
}
