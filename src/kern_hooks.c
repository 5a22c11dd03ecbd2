// SPDX-License-Identifier: GPL-2.0-only
/*
 * Choose the hooks that fit the running kernel, and find where to enter the
 * hooked functions.
 *
 * The compiler's clones of a hooked function (name.isra.0, name.constprop.0,
 * ...) have another calling convention, and those of its callers that call the
 * clone would miss the hook: refuse. Static variables of a function are named
 * alike by clang (scx_bypass.bypass_lock), so only what is text counts.
 */
#include <linux/module.h>

#include "hooks.h"
#include "kern_btf.h"
#include "kern_load.h"

struct hook_site hook_sites[NR_HOOKS] __ro_after_init;

/* where the kernel's text is, and what was found in it */
struct clone_search {
	unsigned long begin;
	unsigned long end;
	const char *hooked;
};

/* Called for every symbol of the kernel; stops at a clone of a function to hook. */
static int __init match_clone(void *data, const char *name, unsigned long addr)
{
	struct clone_search *search = data;
	unsigned int i;

	if (addr < search->begin || addr >= search->end)
		return 0;

	for (i = 0; i < NR_HOOK_FORMS; i++) {
		const char *hooked = hook_forms[i].body.name;
		size_t len = strlen(hooked);

		/* .cold is the unlikely part of the function itself */
		if (!strncmp(name, hooked, len) && name[len] == '.' &&
		    strcmp(name + len, ".cold")) {
			search->hooked = hooked;
			return 1;
		}
	}
	return 0;
}

static int __init refuse_clones(void)
{
	struct clone_search search = {
		.begin = kern_find_symbol("_stext"),
		.end = kern_find_symbol("_etext"),
	};

	if (!search.begin || !search.end)
		return -ENOENT;
	static_call(kern_kallsyms_on_each_symbol)(match_clone, &search);
	if (search.hooked) {
		pr_err("the compiler has cloned %s in this kernel: a hook would miss callers\n",
		       search.hooked);
		return -EOPNOTSUPP;
	}
	return 0;
}

/* Choose the form of function @id that this kernel has. */
static int __init choose(enum hook_id id)
{
	const char *missing = NULL, *differs = NULL;
	char proto[KERN_PROTO_LEN];
	unsigned int i;

	for (i = 0; i < NR_HOOK_FORMS; i++) {
		const struct hook *hook = &hook_forms[i];
		const char *name = hook->body.name;

		if (hook->id != id)
			continue;
		if (!static_call(kern_kallsyms_lookup_name)(name)) {
			missing = name;
			continue;
		}
		if (kern_proto(name, proto))
			return -ENOENT;
		if (!strcmp(proto, hook->body.proto)) {
			hook_sites[id].hook = hook;
			return 0;
		}
		differs = name;
	}

	if (!differs) {
		kern_find_symbol(missing);
		return -ENOENT;
	}
	pr_err("function %s is %s in this kernel, which is no form that this module knows\n",
	       differs, proto);
	return -ENOEXEC;
}

static int __init find_entry(struct hook_site *site)
{
	const struct kern_func *f = &site->hook->body;
	unsigned long addr = kern_find_symbol(f->name);

	if (!addr)
		return -ENOENT;
	site->ip = static_call(kern_ftrace_location)(addr);
	if (!site->ip) {
		pr_err("function %s cannot be traced in this kernel, so it cannot be hooked\n",
		       f->name);
		return -EOPNOTSUPP;
	}
	/* entered at its start, it would come back to the hook */
	__static_call_update(f->key, f->tramp, (void *)(site->ip + MCOUNT_INSN_SIZE));
	return 0;
}

/**
 * kern_choose_hooks() - choose the hooks for the running kernel
 *
 * Fills in hook_sites. Tells in one line what is missing or unknown.
 *
 * Context: module init after kern_verify(), may sleep.
 * Return: 0, -ENOENT if a function is missing or ambiguous, -ENOEXEC if it has
 * a form that no hook is for, -EOPNOTSUPP if it cannot be hooked.
 */
int __init kern_choose_hooks(void)
{
	int ret = refuse_clones();
	int id;

	for (id = 0; id < NR_HOOKS && !ret; id++)
		ret = choose(id);
	for (id = 0; id < NR_HOOKS && !ret; id++)
		ret = find_entry(&hook_sites[id]);
	return ret;
}
