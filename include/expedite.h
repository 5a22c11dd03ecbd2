/* SPDX-License-Identifier: GPL-2.0-only */
/* RCU grace periods are expedited while bypass is on. */
#ifndef EXPEDITE_H
#define EXPEDITE_H

void expedite_update(void);
void expedite_start(void);
void expedite_stop(void);

#endif /* EXPEDITE_H */
