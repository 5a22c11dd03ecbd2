/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PROOF_H
#define PROOF_H

#include <linux/compiler.h>
#include <linux/types.h>

#include "hooks/gate.h"

struct scx_dispatch_q;
struct scx_sched;

/**
 * enum proof_args - with which arguments consume_dispatch_q() is called
 * @PROOF_ARGS_UNKNOWN: not known yet
 * @PROOF_ARGS_WHOLE: with all that its prototype names
 * @PROOF_ARGS_SHORT: without the struct scx_sched, which it does not use
 */
enum proof_args {
	PROOF_ARGS_UNKNOWN,
	PROOF_ARGS_WHOLE,
	PROOF_ARGS_SHORT,
};

enum proof_args proof_consume_args(const void *first, const void *second, const void *third);
void proof_see_consume(struct scx_dispatch_q *global, int cpu);
void proof_init(bool described);
void proof_wait(void);
void proof_sync(void);

/* The hooks were seen to be called as they must. Without a scheduler nothing calls them. */
static inline bool proof_is_complete(void)
{
	return READ_ONCE(gate_proven);
}

#endif /* PROOF_H */
