/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SITES_H
#define SITES_H

#include "hooks/hook.h"

/**
 * struct site - a hooked function of the running kernel
 * @hook: the form that it has
 * @ip: where ftrace patches it
 * @described: the kernel's BTF has its prototype
 */
struct site {
	const struct hook *hook;
	unsigned long ip;
	bool described;
};

/* Written once, by sites_choose(). */
extern struct site sites[NR_HOOKS];

int sites_choose(void);
int sites_check(bool *direct_taken);
void sites_wait_programs(unsigned long own);

#endif /* SITES_H */
