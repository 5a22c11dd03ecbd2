/* SPDX-License-Identifier: GPL-2.0-only */
/* The hooked functions: one list drives choose, verify, install and remove. */
#ifndef HOOKS_H
#define HOOKS_H

#include "kern_load.h"

enum hook_id {
	HOOK_BYPASS,
	HOOK_ENQUEUE,
	HOOK_CONSUME,
	NR_HOOKS,
};

/**
 * struct hook - a form of a kernel's function and what replaces it
 * @id: which function
 * @body: its name and prototype; the static call runs the kernel's own body
 * @func: the replacement, with the same prototype
 * @gate: its gate (see gate.h), or NULL if it has none
 */
struct hook {
	enum hook_id id;
	struct kern_func body;
	void *func;
	void *gate;
};

#define NR_HOOK_FORMS	6
extern const struct hook hook_forms[NR_HOOK_FORMS];

/**
 * struct hook_site - a hooked function of the running kernel
 * @hook: the form that it has
 * @ip: where ftrace patches it
 */
struct hook_site {
	const struct hook *hook;
	unsigned long ip;
};

/* Written once, by kern_choose_hooks(). */
extern struct hook_site hook_sites[NR_HOOKS];

void hooks_activate(void);
void hooks_deactivate(void);
bool hooks_active(void);
bool hooks_are_proven(void);
bool hooks_are_idle(void);
void hooks_wait_idle(void);

#endif /* HOOKS_H */
