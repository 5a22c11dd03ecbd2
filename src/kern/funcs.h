/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The functions of the kernel that are called by static call: the one list from
 * which they are declared, defined, found and checked.
 */
#ifndef FUNCS_H
#define FUNCS_H

#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/ftrace.h>
#include <linux/irq_work.h>
#include <linux/kallsyms.h>
#include <linux/static_call.h>

struct rq;
struct sched_domain;
struct task_struct;

typedef void kern_rq_lock_fn(struct rq *rq, int subclass);
typedef bool kern_rq_trylock_fn(struct rq *rq);
typedef void kern_rq_fn(struct rq *rq);
typedef void kern_cpu_fn(int cpu);
typedef int kern_ftrace_is_dead_fn(void);
typedef bool kern_rcu_is_normal_fn(void);
typedef void kern_task_on_rq_fn(struct rq *rq, struct task_struct *p, int flags);
typedef void kern_group_capacity_fn(struct sched_domain *sd, int cpu);
typedef void kern_set_task_cpu_fn(struct task_struct *p, unsigned int cpu);

/*
 * X(name, type, prototype): the symbol, what DECLARE_STATIC_CALL() takes for its type, and
 * the prototype in the notation of types.c. Loading alone uses the first eleven, except
 * ftrace_rec_iter_*(), which unload uses as well.
 */
#define KERN_FUNCS(X)									\
	X(kallsyms_lookup_name, kallsyms_lookup_name, "u64(*char)")			\
	X(kallsyms_on_each_match_symbol, kallsyms_on_each_match_symbol,			\
	  "s32(*fn,*char,*void)")							\
	X(kallsyms_on_each_symbol, kallsyms_on_each_symbol, "s32(*fn,*void)")		\
	X(ftrace_location, ftrace_location, "u64(u64)")					\
	X(ftrace_rec_iter_start, ftrace_rec_iter_start, "*ftrace_rec_iter()")		\
	X(ftrace_rec_iter_next, ftrace_rec_iter_next, "*ftrace_rec_iter(*ftrace_rec_iter)") \
	X(ftrace_rec_iter_record, ftrace_rec_iter_record, "*dyn_ftrace(*ftrace_rec_iter)") \
	X(bpf_get_btf_vmlinux, bpf_get_btf_vmlinux, "*btf()")				\
	X(btf_find_by_name_kind, btf_find_by_name_kind, "s32(*btf,*char,u8)")		\
	X(btf_name_by_offset, btf_name_by_offset, "*char(*btf,u32)")			\
	X(btf_type_skip_modifiers, btf_type_skip_modifiers,				\
	  "*btf_type(*btf,u32,*unsigned int)")						\
	X(rcu_gp_is_normal, kern_rcu_is_normal_fn, "bool()")				\
	X(ftrace_is_dead, kern_ftrace_is_dead_fn, "s32()")				\
	X(raw_spin_rq_lock_nested, kern_rq_lock_fn, "void(*rq,s32)")			\
	X(raw_spin_rq_trylock, kern_rq_trylock_fn, "bool(*rq)")				\
	X(raw_spin_rq_unlock, kern_rq_fn, "void(*rq)")					\
	X(resched_cpu, kern_cpu_fn, "void(s32)")					\
	X(resched_curr, kern_rq_fn, "void(*rq)")					\
	X(activate_task, kern_task_on_rq_fn, "void(*rq,*task_struct,s32)")		\
	X(deactivate_task, kern_task_on_rq_fn, "void(*rq,*task_struct,s32)")		\
	X(set_task_cpu, kern_set_task_cpu_fn, "void(*task_struct,u32)")			\
	X(update_group_capacity, kern_group_capacity_fn, "void(*sched_domain,s32)") \
	X(irq_work_queue_on, irq_work_queue_on, "bool(*irq_work,s32)")

#define KERN_DECLARE(name, type, proto)	DECLARE_STATIC_CALL(kern_##name, type);
KERN_FUNCS(KERN_DECLARE)

/**
 * struct kern_func - a function of the kernel that is reached by a static call
 * @name: its symbol
 * @proto: its prototype, in the notation of types.c
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

#endif /* FUNCS_H */
