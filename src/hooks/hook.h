/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HOOK_H
#define HOOK_H

#include "kern/funcs.h"

enum hook_id {
	HOOK_BYPASS,
	HOOK_ENQUEUE,
	HOOK_CONSUME,
	HOOK_RCU,
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

/* Behind the last one is one that is all zero. */
extern const struct hook hook_forms[];

#endif /* HOOK_H */
