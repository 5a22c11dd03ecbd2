/* SPDX-License-Identifier: GPL-2.0-only */
/* What only loading needs: finding the kernel's functions and checking them. */
#ifndef KERN_LOAD_H
#define KERN_LOAD_H

#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/static_call.h>

#include "kern_funcs.h"

#define KERN_LOAD_DECLARE(name, type, proto)	DECLARE_STATIC_CALL(kern_##name, type);
KERN_LOAD_FUNCS(KERN_LOAD_DECLARE)

/**
 * struct kern_func - a function of the kernel that is reached by a static call
 * @name: its symbol
 * @proto: its prototype, in the notation of kern_verify.c
 * @key: the static call's key
 * @tramp: the static call's trampoline
 */
struct kern_func {
	const char *name;
	const char *proto;
	struct static_call_key *key;
	void *tramp;
};

/* For initializers: the function @fn, called through the static call @call. */
#define KERN_FUNC(fn, call, prototype) {			\
	.name = #fn,						\
	.proto = (prototype),					\
	.key = &STATIC_CALL_KEY(call),				\
	.tramp = STATIC_CALL_TRAMP_ADDR(call),			\
}

extern const struct kern_func kern_funcs[];
extern const unsigned int nr_kern_funcs;

unsigned long kern_find_symbol(const char *name);

int kern_resolve(void);
int kern_verify(void);
int kern_choose_hooks(void);

#endif /* KERN_LOAD_H */
