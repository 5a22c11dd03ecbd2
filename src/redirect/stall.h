/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef STALL_H
#define STALL_H

#include <linux/types.h>

void stall_watch(bool livepatch);
void stall_unwatch(void);

#endif /* STALL_H */
