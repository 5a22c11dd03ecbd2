/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the kernel has a function that it does not export. */
#ifndef SCX_BYPASS_FUNCTION_H
#define SCX_BYPASS_FUNCTION_H

#include <linux/err.h>
#include <linux/kprobes.h>

/* A function that can be probed, or an error. */
static inline void *find_function(const char *name)
{
	struct kprobe kp = { .symbol_name = name };
	int ret = register_kprobe(&kp);

	if (ret)
		return ERR_PTR(ret);
	unregister_kprobe(&kp);
	return kp.addr;
}

#endif /* SCX_BYPASS_FUNCTION_H */
