// SPDX-License-Identifier: GPL-2.0-only
/* What is known of the running kernel. resolve.c and verify.c fill it in. */
#include <linux/cache.h>

#include "kern/kern.h"

struct kern_layout kern_layout __ro_after_init;

#define KERN_DEFINE(name, type, proto)	DEFINE_STATIC_CALL_NULL(kern_##name, type);
KERN_FUNCS(KERN_DEFINE)

#define KERN_ENTRY(name, type, proto)	KERN_FUNC(name, kern_##name, proto),
const struct kern_func kern_funcs[] = {
	KERN_FUNCS(KERN_ENTRY)
	{ }
};
