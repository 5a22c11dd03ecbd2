/* SPDX-License-Identifier: GPL-2.0-only */
/* The hooked functions: one list drives resolve, verify, install and remove. */
#ifndef HOOKS_H
#define HOOKS_H

#include "kern_load.h"

#define NR_HOOKS 3

/**
 * struct hook - a function of the kernel and what replaces it
 * @body: the function; its static call runs the kernel's own body
 * @func: the replacement, with the same prototype
 */
struct hook {
	struct kern_func body;
	void *func;
};

extern const struct hook hooks[NR_HOOKS];

void hooks_activate(void);
void hooks_deactivate(void);
bool hooks_active(void);

#endif /* HOOKS_H */
