/* SPDX-License-Identifier: GPL-2.0-only */
/* A moment of quiet at the beginning of bypass. */
#ifndef QUIET_H
#define QUIET_H

#include <linux/types.h>

bool is_quiet(void);
int quiet_init(void);
void quiet_exit(void);
void quiet_begin(void);
void quiet_end(void);

#endif /* QUIET_H */
