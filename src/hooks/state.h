/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef STATE_H
#define STATE_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/types.h>

#include "hooks/proof.h"

/* Written by state.c alone. */
extern bool state_active;
/* tasks that are inside hook_scx_bypass(): they may be preempted there */
extern atomic_t state_inside;

void state_activate(const char *backend);
void state_deactivate(void);
void state_wait_idle(void);

/* The hooks are installed, and no task runs a hooked function without its hook. */
static inline bool state_is_active(void)
{
	return READ_ONCE(state_active);
}

static inline bool state_is_redirecting(void)
{
	return state_is_active() && proof_is_complete();
}

/* No task is inside the hook that can be preempted. */
static inline bool state_is_idle(void)
{
	return !atomic_read(&state_inside);
}

#endif /* STATE_H */
