/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ENABLING_H
#define ENABLING_H

#include <linux/types.h>

void enabling_start(void);
void enabling_exit(void);
void enabling_update(bool bypass);

#endif /* ENABLING_H */
