// SPDX-License-Identifier: GPL-2.0-only
/* Find the kernel's functions by symbol. A name must exist exactly once. */
#include <linux/kprobes.h>
#include <linux/module.h>

#include "kern.h"
#include "kern_load.h"

/* a kernel with this function balances its bypass DSQs itself */
#define NATIVE_BALANCER	"scx_bypass_lb_timerfn"

struct kern_layout kern_layout __ro_after_init;

DEFINE_STATIC_CALL_NULL(kern_kallsyms_lookup_name, kallsyms_lookup_name);
DEFINE_STATIC_CALL_NULL(kern_kallsyms_on_each_match_symbol, kallsyms_on_each_match_symbol);
DEFINE_STATIC_CALL_NULL(kern_kallsyms_on_each_symbol, kallsyms_on_each_symbol);
DEFINE_STATIC_CALL_NULL(kern_ftrace_location, ftrace_location);
DEFINE_STATIC_CALL_NULL(kern_ftrace_rec_iter_start, ftrace_rec_iter_start);
DEFINE_STATIC_CALL_NULL(kern_ftrace_rec_iter_next, ftrace_rec_iter_next);
DEFINE_STATIC_CALL_NULL(kern_ftrace_rec_iter_record, ftrace_rec_iter_record);
DEFINE_STATIC_CALL_NULL(kern_bpf_get_btf_vmlinux, bpf_get_btf_vmlinux);
DEFINE_STATIC_CALL_NULL(kern_btf_find_by_name_kind, btf_find_by_name_kind);
DEFINE_STATIC_CALL_NULL(kern_btf_name_by_offset, btf_name_by_offset);
DEFINE_STATIC_CALL_NULL(kern_btf_type_skip_modifiers, btf_type_skip_modifiers);
DEFINE_STATIC_CALL_NULL(kern_raw_spin_rq_lock_nested, raw_spin_rq_lock_nested_fn);
DEFINE_STATIC_CALL_NULL(kern_raw_spin_rq_unlock, raw_spin_rq_unlock_fn);
DEFINE_STATIC_CALL_NULL(kern_resched_cpu, resched_cpu_fn);
DEFINE_STATIC_CALL_NULL(kern_wake_up_if_idle, wake_up_if_idle_fn);
DEFINE_STATIC_CALL_NULL(kern_rcu_expedite_gp, rcu_expedite_gp_fn);
DEFINE_STATIC_CALL_NULL(kern_rcu_unexpedite_gp, rcu_expedite_gp_fn);

const struct kern_func kern_funcs[NR_KERN_FUNCS] = {
	KERN_FUNC(kallsyms_lookup_name, kern_kallsyms_lookup_name, "u64(*char)"),
	KERN_FUNC(kallsyms_on_each_match_symbol, kern_kallsyms_on_each_match_symbol,
		  "s32(*fn,*char,*void)"),
	KERN_FUNC(kallsyms_on_each_symbol, kern_kallsyms_on_each_symbol, "s32(*fn,*void)"),
	KERN_FUNC(ftrace_location, kern_ftrace_location, "u64(u64)"),
	KERN_FUNC(ftrace_rec_iter_start, kern_ftrace_rec_iter_start, "*ftrace_rec_iter()"),
	KERN_FUNC(ftrace_rec_iter_next, kern_ftrace_rec_iter_next,
		  "*ftrace_rec_iter(*ftrace_rec_iter)"),
	KERN_FUNC(ftrace_rec_iter_record, kern_ftrace_rec_iter_record,
		  "*dyn_ftrace(*ftrace_rec_iter)"),
	KERN_FUNC(bpf_get_btf_vmlinux, kern_bpf_get_btf_vmlinux, "*btf()"),
	KERN_FUNC(btf_find_by_name_kind, kern_btf_find_by_name_kind, "s32(*btf,*char,u8)"),
	KERN_FUNC(btf_name_by_offset, kern_btf_name_by_offset, "*char(*btf,u32)"),
	KERN_FUNC(btf_type_skip_modifiers, kern_btf_type_skip_modifiers,
		  "*btf_type(*btf,u32,*unsigned int)"),
	KERN_FUNC(raw_spin_rq_lock_nested, kern_raw_spin_rq_lock_nested, "void(*rq,s32)"),
	KERN_FUNC(raw_spin_rq_unlock, kern_raw_spin_rq_unlock, "void(*rq)"),
	KERN_FUNC(resched_cpu, kern_resched_cpu, "void(s32)"),
	KERN_FUNC(wake_up_if_idle, kern_wake_up_if_idle, "void(s32)"),
	KERN_FUNC(rcu_expedite_gp, kern_rcu_expedite_gp, "void()"),
	KERN_FUNC(rcu_unexpedite_gp, kern_rcu_unexpedite_gp, "void()"),
};

static int __init count_symbol(void *data, unsigned long addr)
{
	unsigned int *count = data;

	(*count)++;
	return 0;
}

/**
 * kern_find_symbol() - find the only symbol of that name, and tell if there is none
 * @name: the name
 *
 * Context: module init, may sleep.
 * Return: its address, or 0 if it is missing or ambiguous.
 */
unsigned long __init kern_find_symbol(const char *name)
{
	unsigned int count = 0;

	static_call(kern_kallsyms_on_each_match_symbol)(count_symbol, name, &count);
	if (count == 1)
		return static_call(kern_kallsyms_lookup_name)(name);

	if (count)
		pr_err("symbol %s exists %u times in this kernel, cannot tell which one is meant\n",
		       name, count);
	else
		pr_err("symbol %s is missing in this kernel\n", name);
	return 0;
}

static int __init resolve_funcs(void)
{
	unsigned int i;

	for (i = 0; i < NR_KERN_FUNCS; i++) {
		const struct kern_func *f = &kern_funcs[i];
		unsigned long addr = kern_find_symbol(f->name);

		if (!addr)
			return -ENOENT;
		__static_call_update(f->key, f->tramp, (void *)addr);
	}
	return 0;
}

/*
 * The first two cannot be found by kern_find_symbol(), which uses them. A kprobe
 * may report the address behind the function's landing pad; a direct call
 * needs none.
 */
static int __init resolve_kallsyms(void)
{
	/* not armed: that allocates, and taking it back may then fail */
	struct kprobe kp = {
		.symbol_name = "kallsyms_lookup_name",
		.flags = KPROBE_FLAG_DISABLED,
	};
	unsigned long addr;
	int ret;

	ret = register_kprobe(&kp);
	if (ret) {
		pr_err("cannot find kallsyms_lookup_name by a kprobe (error %d): are kprobes enabled?\n",
		       ret);
		return ret;
	}
	static_call_update(kern_kallsyms_lookup_name, (void *)kp.addr);
	unregister_kprobe(&kp);

	addr = static_call(kern_kallsyms_lookup_name)("kallsyms_on_each_match_symbol");
	if (!addr) {
		pr_err("symbol kallsyms_on_each_match_symbol is missing in this kernel\n");
		return -ENOENT;
	}
	static_call_update(kern_kallsyms_on_each_match_symbol, (void *)addr);
	return 0;
}

static int __init resolve_runqueues(void)
{
	unsigned long addr = kern_find_symbol("runqueues");

	if (!addr)
		return -ENOENT;
	kern_layout.runqueues = (void __percpu *)addr;
	return 0;
}

/**
 * kern_resolve() - find all functions of the kernel that the module uses
 *
 * Touches nothing but the module's own static calls. Tells in one line what
 * is missing.
 *
 * Context: module init, may sleep.
 * Return: 0, -ENOENT if a symbol is missing or ambiguous, -EOPNOTSUPP if the
 * kernel does not need the module, or what register_kprobe() returns.
 */
int __init kern_resolve(void)
{
	int ret;

	ret = resolve_kallsyms();
	if (ret)
		return ret;

	if (static_call(kern_kallsyms_lookup_name)(NATIVE_BALANCER)) {
		pr_err("this kernel balances sched_ext's bypass mode itself: nothing to do, remove this package\n");
		return -EOPNOTSUPP;
	}

	return resolve_funcs() ?: resolve_runqueues();
}
