/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DEFER_H
#define DEFER_H

void defer_begin(void);
void defer_end(void);

#endif /* DEFER_H */
