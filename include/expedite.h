/* SPDX-License-Identifier: GPL-2.0-only */
/* RCU grace periods are shorter while a scheduler is loaded and bypass is on. */
#ifndef EXPEDITE_H
#define EXPEDITE_H

void expedite_init(void);
void expedite_exit(void);
void expedite_start(void);
void expedite_stop(void);
void expedite_update(void);

#endif /* EXPEDITE_H */
