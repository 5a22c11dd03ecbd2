/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RESOLVE_H
#define RESOLVE_H

unsigned long resolve_symbol(const char *name);
int resolve_kernel(void);

#endif /* RESOLVE_H */
