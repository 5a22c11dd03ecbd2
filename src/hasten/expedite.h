/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EXPEDITE_H
#define EXPEDITE_H

#include <linux/types.h>

/* the parameter; to be read with READ_ONCE() */
extern bool expedite_rcu;

int expedite_init(void);
void expedite_start(void);
void expedite_exit(void);
bool expedite_wanted(void);
void expedite_wait(void);

#endif /* EXPEDITE_H */
