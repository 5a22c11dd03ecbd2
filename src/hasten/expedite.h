/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EXPEDITE_H
#define EXPEDITE_H

#include <linux/types.h>

void expedite_start(void);
void expedite_stop(void);
void expedite_update(void);
void expedite_change(bool bypass);
bool expedite_is_allowed(void);

#endif /* EXPEDITE_H */
