/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TIMING_H
#define TIMING_H

void timing_init(void);
void timing_exit(void);
void timing_start(void);
void timing_stop_passes(void);
void timing_update(void);
void timing_keep_guard(int cpu);
unsigned int timing_intv_us(void);
unsigned int timing_slice_us(void);

#endif /* TIMING_H */
