/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TIMING_H
#define TIMING_H

/*
 * Parameters, to be read with READ_ONCE(): how often passes run in bypass, us, or 0 for never; and
 * the slice of a task that is queued in bypass, us. The kernel ends its turn at a tick.
 */
extern unsigned int timing_bypass_lb_intv_us, timing_slice_bypass_us;

void timing_init(void);
void timing_exit(void);
void timing_start(void);
void timing_stop_passes(void);
void timing_cpu_up(void);
void timing_update(void);
void timing_keep_guard(int cpu);

#endif /* TIMING_H */
