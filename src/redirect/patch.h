/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PATCH_H
#define PATCH_H

#include <linux/errno.h>

#ifdef CONFIG_LIVEPATCH
int patch_install(void);
void patch_remove(void);
#else
static inline int patch_install(void)
{
	return -EOPNOTSUPP;
}

static inline void patch_remove(void)
{
}
#endif

#endif /* PATCH_H */
