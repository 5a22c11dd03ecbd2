/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DELIVER_H
#define DELIVER_H

#include <linux/types.h>

bool deliver_begin(void);
bool deliver_is_due(void);
void deliver_tasks(void);

#endif /* DELIVER_H */
