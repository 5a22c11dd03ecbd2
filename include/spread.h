/* SPDX-License-Identifier: GPL-2.0-only */
/* Tasks are spread while bypass begins. */
#ifndef SPREAD_H
#define SPREAD_H

#include <linux/sched.h>

extern struct task_struct *spreader;

void spread_begin(void);
void spread_end(void);
int spread_find(struct task_struct *p);

/* The CPU on whose bypass DSQ @p is to wait. Context: as for spread_find(). */
static inline int spread_cpu(struct task_struct *p)
{
	return unlikely(READ_ONCE(spreader) == current) ? spread_find(p) : task_cpu(p);
}

#endif /* SPREAD_H */
