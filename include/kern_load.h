/* SPDX-License-Identifier: GPL-2.0-only */
/* What only loading needs: finding the kernel's functions and checking them. */
#ifndef KERN_LOAD_H
#define KERN_LOAD_H

#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/ftrace.h>
#include <linux/kallsyms.h>
#include <linux/static_call.h>

/* declared by the kernel's headers, but not exported */
DECLARE_STATIC_CALL(kern_kallsyms_lookup_name, kallsyms_lookup_name);
DECLARE_STATIC_CALL(kern_kallsyms_on_each_match_symbol, kallsyms_on_each_match_symbol);
DECLARE_STATIC_CALL(kern_kallsyms_on_each_symbol, kallsyms_on_each_symbol);
DECLARE_STATIC_CALL(kern_ftrace_location, ftrace_location);
DECLARE_STATIC_CALL(kern_ftrace_rec_iter_start, ftrace_rec_iter_start);
DECLARE_STATIC_CALL(kern_ftrace_rec_iter_next, ftrace_rec_iter_next);
DECLARE_STATIC_CALL(kern_ftrace_rec_iter_record, ftrace_rec_iter_record);
DECLARE_STATIC_CALL(kern_bpf_get_btf_vmlinux, bpf_get_btf_vmlinux);
DECLARE_STATIC_CALL(kern_btf_find_by_name_kind, btf_find_by_name_kind);
DECLARE_STATIC_CALL(kern_btf_name_by_offset, btf_name_by_offset);
DECLARE_STATIC_CALL(kern_btf_type_skip_modifiers, btf_type_skip_modifiers);

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

#define NR_KERN_FUNCS	17
extern const struct kern_func kern_funcs[NR_KERN_FUNCS];

unsigned long kern_find_symbol(const char *name);

#define KERN_PROTO_LEN	128
int kern_proto(const char *name, char *proto);

int kern_resolve(void);
int kern_verify(void);
int kern_choose_hooks(void);

#endif /* KERN_LOAD_H */
