/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HELP_H
#define HELP_H

#include <linux/types.h>

struct bypass_cpu;
struct scx_dispatch_q;

struct scx_dispatch_q *help_source(struct bypass_cpu *bc, bool idle);

#endif /* HELP_H */
