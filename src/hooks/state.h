/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef STATE_H
#define STATE_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/sched.h>
#include <linux/types.h>

#include "hooks/proof.h"

/* Written by state.c alone. */
extern bool state_active;
/* tasks that are inside the hooks of scx_bypass() and synchronize_rcu(): they may sleep there */
extern atomic_t state_inside;
/* it was reported that the module stays for ever */
extern bool state_stays;
/* the task inside the first, if it is no real-time task, or NULL. Only compared with others */
extern const struct task_struct *state_bypass_task;

void state_activate(const char *backend);
void state_deactivate(void);
void state_wait_idle(void);
bool state_enter(void);
void state_leave(void);
void state_bypass_change_begin(void);
void state_bypass_change_end(void);

/* The hooks are installed, and no task runs a hooked function without its hook. */
static inline bool state_is_active(void)
{
	return READ_ONCE(state_active);
}

static inline bool state_is_redirecting(void)
{
	return state_is_active() && proof_is_complete();
}

/*
 * Is @p an ordinary task that changes bypass just now? It must not wait for those that it holds
 * up. If two do so at the same time, which is rare, only one of them counts.
 */
static inline bool state_is_changing_bypass(const struct task_struct *p)
{
	return READ_ONCE(state_bypass_task) == p;
}

/* No task is in the part of a hook in which tasks are counted, see state_inside. */
static inline bool state_is_idle(void)
{
	return !atomic_read(&state_inside);
}

#endif /* STATE_H */
