/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PATCH_H
#define PATCH_H

/* in kernels with CONFIG_LIVEPATCH */
int patch_install(void);
void patch_remove(void);

#endif /* PATCH_H */
