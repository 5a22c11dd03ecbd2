/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SWEEP_H
#define SWEEP_H

void sweep_drain(void);
void sweep_recall(int dying);

#endif /* SWEEP_H */
