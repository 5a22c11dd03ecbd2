// SPDX-License-Identifier: GPL-2.0-only
/*
 * Choose the hooks that fit the running kernel, find where to enter the hooked
 * functions, and check which other users they have.
 *
 * The compiler's clones of a hooked function (name.isra.0, name.constprop.0,
 * ...) have another calling convention, and those of its callers that call the
 * clone would miss the hook: refuse. Static variables of a function are named
 * alike by clang (scx_bypass.bypass_lock), so only what is text counts.
 */
#include <linux/bits.h>
#include <linux/cpufeature.h>
#include <linux/ftrace.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>

#include "hooks/sites.h"
#include "kern/kern.h"
#include "kern/resolve.h"
#include "kern/types.h"

/* how often unload looks whether a BPF program is detached, and how often it says so */
#define SITES_LOOK_JIFFIES	(HZ / 10)
#define SITES_TELL_JIFFIES	(10 * HZ)

struct site sites[NR_HOOKS] __ro_after_init;

static struct mutex *sites_ftrace_lock __ro_after_init;

/* The hooked function that ftrace patches at @ip, or NULL. */
static const struct site *sites_at(unsigned long ip)
{
	const struct site *site;

	for (site = sites; site < sites + NR_HOOKS; site++)
		if (site->ip == ip)
			return site;
	return NULL;
}

/* where the kernel's text is, and what was found in it */
struct sites_clone_search {
	unsigned long begin;
	unsigned long end;
	const char *hooked;
};

/* Is this the suffix of a part of the function itself, which is jumped to and never called? */
static bool __init sites_is_part(const char *suffix)
{
	return str_has_prefix(suffix, ".cold") || str_has_prefix(suffix, ".__part.");
}

/* Called for every symbol of the kernel; stops at a clone of a function to hook. */
static int __init sites_match_clone(void *data, const char *name, unsigned long addr)
{
	struct sites_clone_search *search = data;
	const struct hook *hook;

	if (addr < search->begin || addr >= search->end)
		return 0;

	for (hook = hook_forms; hook->func; hook++) {
		const char *hooked = hook->body.name;
		size_t len = strlen(hooked);

		/* a caller of it that misses the hook waits as without the module */
		if (hook->id == HOOK_RCU)
			continue;
		if (!strncmp(name, hooked, len) && name[len] == '.' &&
		    !sites_is_part(name + len)) {
			search->hooked = hooked;
			return 1;
		}
	}
	return 0;
}

static int __init sites_refuse_clones(void)
{
	struct sites_clone_search search = {
		.begin = resolve_symbol("_stext"),
		.end = resolve_symbol("_etext"),
	};

	if (!search.begin || !search.end)
		return -ENOENT;
	static_call(kern_kallsyms_on_each_symbol)(sites_match_clone, &search);
	if (search.hooked) {
		pr_err("the compiler has cloned %s in this kernel: a hook would miss callers\n",
		       search.hooked);
		return -EOPNOTSUPP;
	}
	return 0;
}

/* Hooks that get the scheduler compare it with the loaded one, see proof.c. */
static int __init sites_check_root(const char *proto)
{
	if (!strstr(proto, "*scx_sched") || kern_layout.sched_root)
		return 0;
	/* reports that it is missing */
	resolve_symbol("scx_root");
	return -ENOENT;
}

/*
 * From 1.25 on pahole describes no function that gets its arguments elsewhere than the prototype
 * says, and clang drops the struct scx_sched of consume_dispatch_q(), which that does not use.
 * A kernel has it if its dispatch_enqueue(), whose form was chosen before, has it.
 */
static bool __init sites_is_undescribed(const struct hook *hook)
{
	return hook->id == HOOK_CONSUME && strstr(hook->body.proto, "*scx_sched") &&
	       strstr(sites[HOOK_ENQUEUE].hook->body.proto, "*scx_sched");
}

/* Choose the form of function @id that this kernel has. */
static int __init sites_choose_form(enum hook_id id)
{
	const char *missing = NULL, *differs = NULL;
	char proto[TYPES_PROTO_LEN];
	const struct hook *hook;

	for (hook = hook_forms; hook->func; hook++) {
		const char *name = hook->body.name;

		if (hook->id != id)
			continue;
		if (!static_call(kern_kallsyms_lookup_name)(name)) {
			missing = name;
			continue;
		}
		sites[id].described = !types_proto(name, proto);
		if (sites[id].described ? !strcmp(proto, hook->body.proto) :
					  sites_is_undescribed(hook)) {
			sites[id].hook = hook;
			return sites_check_root(hook->body.proto);
		}
		differs = name;
	}

	if (!differs) {
		resolve_symbol(missing);
		return -ENOENT;
	}
	if (!sites[id].described) {
		pr_err("the kernel's BTF does not describe function %s\n", differs);
		return -ENOENT;
	}
	pr_err("function %s has prototype %s in this kernel, which this module does not support\n",
	       differs, proto);
	return -ENOEXEC;
}

static int __init sites_find_entry(struct site *site)
{
	const char *name = site->hook->body.name;
	unsigned long addr = resolve_symbol(name);
	const struct hook *hook;

	if (!addr)
		return -ENOENT;
	site->ip = static_call(kern_ftrace_location)(addr);
	if (!site->ip) {
		pr_err("function %s cannot be traced in this kernel, so it cannot be hooked\n",
		       name);
		return -EOPNOTSUPP;
	}
	/*
	 * Entered at its start, it would come back to the hook. Its other form is set as well:
	 * with which arguments the function is called is only known later, see proof.c.
	 */
	for (hook = hook_forms; hook->func; hook++) {
		const struct kern_func *f = &hook->body;

		if (!strcmp(f->name, name))
			__static_call_update(f->key, f->tramp,
					     (void *)(site->ip + MCOUNT_INSN_SIZE));
	}
	return 0;
}

/**
 * sites_choose() - choose the hooks for the running kernel
 *
 * Fills in sites. Reports in one line what is missing or unknown.
 *
 * Context: module init after verify_kernel(), may sleep.
 * Return: 0, -ENOENT if a function is missing or ambiguous, -ENOEXEC if it has
 * a form that no hook is for, -EOPNOTSUPP if it cannot be hooked.
 */
int __init sites_choose(void)
{
	int ret = sites_refuse_clones();
	int id;

	for (id = 0; id < NR_HOOKS && !ret; id++)
		ret = sites_choose_form(id);
	for (id = 0; id < NR_HOOKS && !ret; id++)
		ret = sites_find_entry(&sites[id]);
	return ret;
}

/*
 * May this CPU fault at a function that is both redirected and has a BPF program at its exit? The
 * kernel then calls the function by a pointer: to the hook, or, just before the function is
 * redirected and just after it is restored, to the place behind ftrace's call. There is no
 * ENDBR there, and CPUs with IBT fault at an indirect call to such a place.
 */
static bool sites_programs_are_unsafe(void)
{
	return cpu_feature_enabled(X86_FEATURE_IBT);
}

/* What ftrace knows of each hooked function. Takes ftrace's lock. */
static void sites_read(struct dyn_ftrace recs[NR_HOOKS])
{
	struct ftrace_rec_iter *iter;

	mutex_lock(sites_ftrace_lock);
	iter = static_call(kern_ftrace_rec_iter_start)();
	for (; iter; iter = static_call(kern_ftrace_rec_iter_next)(iter)) {
		const struct dyn_ftrace *rec = static_call(kern_ftrace_rec_iter_record)(iter);
		const struct site *site = sites_at(rec->ip);

		if (site)
			recs[site->hook->id] = *rec;
	}
	mutex_unlock(sites_ftrace_lock);
}

/*
 * Is a function redirected by another user? Tracing is no conflict: a probe or a BPF
 * program runs when the function is entered, whether or not the call is then redirected.
 * Two redirections are a conflict: the later one would override the earlier one.
 */
static int __init sites_check_one(const struct site *site, const struct dyn_ftrace *rec,
				  bool *direct_taken)
{
	const char *name = site->hook->body.name;

	if (rec->flags & FTRACE_FL_IPMODIFY) {
		pr_err("function %s is already redirected by another user (a livepatch, or a kprobe with a post handler), see enabled_functions in tracefs: unload that user first\n",
		       name);
		return -EBUSY;
	}
	if ((rec->flags & FTRACE_FL_DIRECT) && sites_programs_are_unsafe()) {
		pr_err("a BPF program is attached to function %s, and this CPU has IBT: the kernel may crash if the function is redirected, so detach the program first\n",
		       name);
		return -EBUSY;
	}
	if (ftrace_rec_count(rec))
		pr_info("function %s is being traced: tracing continues\n", name);
	if (site->hook->gate && (rec->flags & FTRACE_FL_DIRECT))
		*direct_taken = true;
	return 0;
}

/**
 * sites_check() - can the hooked functions be redirected?
 * @direct_taken: set if direct calls to the hooks are not possible: another user has one in
 *	a function that would need it
 *
 * Context: module init, may sleep. Takes ftrace's lock.
 * Return: 0; -EBUSY if one is redirected already, or has a BPF program on a CPU with IBT;
 * -EOPNOTSUPP if ftrace is switched off; -ENOENT if a symbol is missing.
 */
int __init sites_check(bool *direct_taken)
{
	int *enabled = (int *)resolve_symbol("ftrace_enabled");
	struct dyn_ftrace recs[NR_HOOKS] = {};
	int id, ret = 0;

	*direct_taken = false;
	sites_ftrace_lock = (struct mutex *)resolve_symbol("ftrace_lock");
	if (!enabled || !sites_ftrace_lock)
		return -ENOENT;

	if (!READ_ONCE(*enabled)) {
		pr_err("ftrace is switched off (sysctl kernel.ftrace_enabled), so nothing can be hooked\n");
		return -EOPNOTSUPP;
	}
	sites_read(recs);
	for (id = 0; id < NR_HOOKS && !ret; id++)
		ret = sites_check_one(&sites[id], &recs[id], direct_taken);
	return ret;
}

/* The first function, those of @own aside, that has a BPF program or another direct call. */
static const struct site *sites_find_program(unsigned long own)
{
	struct dyn_ftrace recs[NR_HOOKS] = {};
	int id;

	sites_read(recs);
	for (id = 0; id < NR_HOOKS; id++)
		if ((recs[id].flags & FTRACE_FL_DIRECT) && !(own & BIT(id)))
			return &sites[id];
	return NULL;
}

/**
 * sites_wait_programs() - wait until the functions can be restored
 * @own: bits of the hooks that were called directly. They are left out: their functions had no
 *	IPMODIFY, so a BPF program that is attached to one does no harm
 *
 * That is at once, except on CPUs with IBT while a BPF program is attached. One that is attached
 * just after this is not seen.
 *
 * Context: module exit, may sleep. Takes ftrace's lock.
 */
void sites_wait_programs(unsigned long own)
{
	unsigned long told = jiffies - SITES_TELL_JIFFIES;
	const struct site *site;

	while (sites_programs_are_unsafe() && (site = sites_find_program(own))) {
		if (time_after_eq(jiffies, told + SITES_TELL_JIFFIES)) {
			pr_warn("unload waits for a BPF program to be detached from function %s: this CPU has IBT, and the kernel may crash if the function is restored\n",
				site->hook->body.name);
			told = jiffies;
		}
		kern_wait_freezable(SITES_LOOK_JIFFIES);
	}
}
