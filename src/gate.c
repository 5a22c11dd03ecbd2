// SPDX-License-Identifier: GPL-2.0-only
/*
 * When the gates in front of the hooks are open: while bypass is on, or changes.
 *
 * They open before a run queue is told that bypass is on. Whoever enqueues or picks
 * a task has that run queue locked, so if it sees bypass, it also sees the gate
 * open. They close when scx_bypass() has told every run queue that bypass is off,
 * and has queued every task again: then none is on a bypass DSQ.
 */
#include <linux/module.h>
#include <linux/spinlock.h>

#include "gate.h"
#include "kern.h"

bool gate_open __read_mostly;

/* Innermost. Protects the next one, and changes of the one above. */
static DEFINE_RAW_SPINLOCK(gate_lock);
/* how many are about to change bypass */
static unsigned int changing;

/**
 * gate_hold() - open the gates, bypass may be about to begin
 *
 * Context: process.
 */
void gate_hold(void)
{
	raw_spin_lock(&gate_lock);
	changing++;
	WRITE_ONCE(gate_open, true);
	raw_spin_unlock(&gate_lock);
}

/**
 * gate_release() - close the gates, unless bypass is on
 *
 * Context: process, after gate_hold().
 */
void gate_release(void)
{
	raw_spin_lock(&gate_lock);
	changing--;
	WRITE_ONCE(gate_open, changing || kern_bypassing());
	raw_spin_unlock(&gate_lock);
}
