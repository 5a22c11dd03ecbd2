/* SPDX-License-Identifier: GPL-2.0-only */
/* Of the kernel, what is not in vmlinux.h: variables, and what only some have. */
#ifndef KERNEL_H
#define KERNEL_H

extern const struct rq runqueues __ksym;
extern const void __per_cpu_offset __ksym;
extern const void scx_enable_state_var __ksym __weak;
/* its name in 6.12 */
extern const void scx_ops_enable_state_var __ksym __weak;

struct scx_rq___native {
	struct scx_dispatch_q bypass_dsq;
} __attribute__((preserve_access_index));

struct rq___native {
	struct scx_rq___native scx;
} __attribute__((preserve_access_index));

enum scx_rq_flags___some {
	SCX_RQ_BYPASSING___some = 1,
};

#endif /* KERNEL_H */
