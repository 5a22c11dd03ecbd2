// SPDX-License-Identifier: GPL-2.0-only
/* Find the kernel's functions by symbol. A name must exist exactly once. */
#include <linux/kprobes.h>
#include <linux/module.h>

#include "kern/kern.h"
#include "kern/resolve.h"

/* a kernel with this function balances its bypass DSQs itself */
#define NATIVE_BALANCER	"scx_bypass_lb_timerfn"

/* filled in here and by verify.c */
struct kern_layout kern_layout __ro_after_init;

#define KERN_DEFINE(name, type, proto)	DEFINE_STATIC_CALL_NULL(kern_##name, type);
KERN_FUNCS(KERN_DEFINE)

#define KERN_ENTRY(name, type, proto)	KERN_FUNC(name, kern_##name, proto),
const struct kern_func kern_funcs[] = {
	KERN_FUNCS(KERN_ENTRY)
	{ }
};

static int __init resolve_count(void *data, unsigned long addr)
{
	unsigned int *count = data;

	(*count)++;
	return 0;
}

/**
 * resolve_symbol() - find the only symbol of that name, or report that there is none
 * @name: the name
 *
 * Context: module init, may sleep.
 * Return: its address, or 0 if it is missing or ambiguous.
 */
unsigned long __init resolve_symbol(const char *name)
{
	unsigned int count = 0;

	static_call(kern_kallsyms_on_each_match_symbol)(resolve_count, name, &count);
	if (count == 1)
		return static_call(kern_kallsyms_lookup_name)(name);

	if (count)
		pr_err("symbol %s exists %u times in this kernel, so it is ambiguous\n",
		       name, count);
	else
		pr_err("symbol %s is missing in this kernel\n", name);
	return 0;
}

static int __init resolve_funcs(void)
{
	const struct kern_func *f;

	for (f = kern_funcs; f->name; f++) {
		unsigned long addr = resolve_symbol(f->name);

		if (!addr)
			return -ENOENT;
		__static_call_update(f->key, f->tramp, (void *)addr);
	}
	return 0;
}

/*
 * The first two cannot be found by resolve_symbol(), which uses them. A kprobe
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

static bool __init resolve_has_symbol(const char *name)
{
	return static_call(kern_kallsyms_lookup_name)(name);
}

static int __init resolve_pointer(void *pointer, const char *name)
{
	unsigned long addr = resolve_symbol(name);

	*(unsigned long *)pointer = addr;
	return addr ? 0 : -ENOENT;
}

/*
 * ThinLTO may use a function in another file. A static variable that the function uses becomes
 * global then, by the name NAME.llvm.NUMBER.
 */
struct resolve_search {
	const char *name;
	unsigned long addr;
	unsigned int count;
};

static int __init resolve_match_renamed(void *data, const char *symbol, unsigned long addr)
{
	struct resolve_search *search = data;
	size_t len = str_has_prefix(symbol, search->name);

	if (len && strstarts(symbol + len, ".llvm.")) {
		search->addr = addr;
		search->count++;
	}
	return 0;
}

/* Find a static variable that is renamed so. Returns 0 if there is none, or more than one. */
static unsigned long __init resolve_renamed(const char *name)
{
	struct resolve_search search = { name };

	static_call(kern_kallsyms_on_each_symbol)(resolve_match_renamed, &search);
	return search.count == 1 ? search.addr : 0;
}

/* A static variable whose name differs between kernels. */
static int __init resolve_static(void *pointer, const char *older, const char *newer)
{
	unsigned long addr;

	if (resolve_has_symbol(older))
		return resolve_pointer(pointer, older);
	addr = resolve_has_symbol(newer) ? 0 : resolve_renamed(older) ?: resolve_renamed(newer);
	if (!addr)
		return resolve_pointer(pointer, newer);
	*(unsigned long *)pointer = addr;
	return 0;
}

static int __init resolve_data(void)
{
	struct kern_layout *k = &kern_layout;

	/* there is none before 6.16 */
	if (resolve_has_symbol("scx_root"))
		k->sched_root = (void *)resolve_symbol("scx_root");
	else
		k->sched_root = (void *)resolve_renamed("scx_root");

	return resolve_pointer(&k->runqueues, "runqueues") ?:
	       resolve_static(&k->sched_state, "scx_ops_enable_state_var",
			      "scx_enable_state_var") ?:
	       resolve_pointer(&k->switched_all, "__scx_switched_all") ?:
	       resolve_static(&k->sched_mutex, "scx_ops_enable_mutex", "scx_enable_mutex") ?:
	       resolve_pointer(&k->fair_class, "fair_sched_class");
}

/**
 * resolve_kernel() - find all functions of the kernel that the module uses
 *
 * Touches nothing but the module's own static calls. Reports in one line
 * what is missing.
 *
 * Context: module init, may sleep.
 * Return: 0, -ENOENT if a symbol is missing or ambiguous, -EOPNOTSUPP if the
 * kernel does not need the module, or what register_kprobe() returns.
 */
int __init resolve_kernel(void)
{
	int ret;

	ret = resolve_kallsyms();
	if (ret)
		return ret;

	if (resolve_has_symbol(NATIVE_BALANCER)) {
		pr_err("this kernel balances sched_ext's bypass mode itself: nothing to do, remove this package\n");
		return -EOPNOTSUPP;
	}

	return resolve_funcs() ?: resolve_data();
}
