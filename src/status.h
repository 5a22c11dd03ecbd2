/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef STATUS_H
#define STATUS_H

void status_init(void);
void status_exit(void);

#endif /* STATUS_H */
