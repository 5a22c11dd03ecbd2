/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TIMING_H
#define TIMING_H

#include <linux/compiler.h>

/* parameters; to be read by the functions below */
extern unsigned int timing_bypass_lb_intv_us, timing_slice_bypass_us;

void timing_init(void);
void timing_exit(void);
void timing_start(void);
void timing_stop_passes(void);
void timing_cpu_up(void);
void timing_update(void);
void timing_keep_guard(int cpu);

/* In bypass, how often passes run, us; 0: never. */
static inline unsigned int timing_intv_us(void)
{
	return READ_ONCE(timing_bypass_lb_intv_us);
}

/* The slice of a task that is queued in bypass, us. The kernel ends its turn at a tick. */
static inline unsigned int timing_slice_us(void)
{
	return READ_ONCE(timing_slice_bypass_us);
}

#endif /* TIMING_H */
