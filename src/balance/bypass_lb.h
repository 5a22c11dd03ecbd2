/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BYPASS_LB_H
#define BYPASS_LB_H

#include <linux/cpumask.h>
#include <linux/sched.h>

#include "balance/lb_node.h"
#include "balance/plan.h"

bool bypass_lb_may_receive(int cpu);
int bypass_lb_find_donee(struct task_struct *p, struct cpumask *donee_mask);
struct plan_load bypass_lb_measure(const struct lb_node *node);
void bypass_lb_node(struct lb_node *node, unsigned int intv_us, unsigned int slice_us);

#endif /* BYPASS_LB_H */
