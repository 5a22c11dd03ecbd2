/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the kernel has what it does not export. It defines a static call: one file of a module
 * can include it.
 */
#ifndef SCX_BYPASS_LOOKUP_H
#define SCX_BYPASS_LOOKUP_H

#include <linux/err.h>
#include <linux/static_call.h>

#include "function.h"

typedef unsigned long lookup_fn(const char *name);
DEFINE_STATIC_CALL_NULL(lookup, lookup_fn);

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
