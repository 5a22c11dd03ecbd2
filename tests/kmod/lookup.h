/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the kernel has what it does not export. */
#ifndef SCX_BYPASS_LOOKUP_H
#define SCX_BYPASS_LOOKUP_H

#include <linux/err.h>
#include <linux/kprobes.h>
#include <linux/static_call.h>

typedef unsigned long lookup_fn(const char *name);
DEFINE_STATIC_CALL_NULL(lookup, lookup_fn);

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

/* After this static_call(lookup)() is kallsyms_lookup_name(). Returns 0 or -errno. */
static inline int find_lookup(void)
{
	void *found = find_function("kallsyms_lookup_name");

	if (IS_ERR(found))
		return PTR_ERR(found);
	static_call_update(lookup, found);
	return 0;
}

#endif /* SCX_BYPASS_LOOKUP_H */
