/* SPDX-License-Identifier: GPL-2.0-only */
/* What src/balance/plan.h needs of the kernel's headers, for the simulator. */
#ifndef SIM_LINUX_KERNEL_H
#define SIM_LINUX_KERNEL_H

typedef unsigned int u32;
typedef unsigned long long u64;

#define DIV_ROUND_UP(n, d)	(((n) + (d) - 1) / (d))
#define DIV_ROUND_UP_ULL	DIV_ROUND_UP
#define min(a, b)		((a) < (b) ? (a) : (b))
#define max(a, b)		((a) > (b) ? (a) : (b))

#endif /* SIM_LINUX_KERNEL_H */
