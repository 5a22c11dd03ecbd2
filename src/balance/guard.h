/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GUARD_H
#define GUARD_H

#include <linux/jiffies.h>
#include <linux/time64.h>
#include <linux/types.h>

struct lb_node;

/* how often it looks, nanoseconds */
#define GUARD_INTV_NS	(4 * NSEC_PER_MSEC)
/*
 * A CPU that has tasks and does not pick one for longer than this does not serve them. If the guard
 * has not looked for so long, its CPU does not react, and another one takes over.
 */
#define GUARD_PATIENCE_NS	(2 * GUARD_INTV_NS + 2 * TICK_NSEC)
/* If a task of a higher class is there at two looks, a CPU does not serve its tasks, either. */
#define GUARD_OTHERS_NS		(GUARD_INTV_NS + GUARD_INTV_NS / 2)

/**
 * enum guard_global_reason - why tasks may wait on global DSQs
 * @GUARD_UNPROVEN: nothing is redirected before the proof
 * @GUARD_INACTIVE: nothing is redirected any more
 */
enum guard_global_reason {
	GUARD_UNPROVEN,
	GUARD_INACTIVE,
};

void guard_watch_global(enum guard_global_reason reason, bool may);
void guard_look(struct lb_node *node);
void guard_forget(struct lb_node *node);

#endif /* GUARD_H */
