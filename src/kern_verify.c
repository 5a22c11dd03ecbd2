// SPDX-License-Identifier: GPL-2.0-only
/*
 * Check the running kernel against what this module was built for, and learn
 * from it what no header tells. A version number proves nothing, distributions
 * backport; the kernel's BTF describes just the kernel that runs.
 *
 * Prototypes are compared as strings: integers by size and sign (u64, s32),
 * "bool", pointers as '*' and the name of what they point to, for example
 * "void(*rq,s32)". That is what the calling convention depends on.
 */
#include <linux/module.h>

#include "kern.h"
#include "kern_load.h"

static struct btf *btf __initdata;

static const char *__init type_name(u32 offset)
{
	return static_call(kern_btf_name_by_offset)(btf, offset);
}

/* The type @id behind its qualifiers and typedefs, NULL for void. */
static const struct btf_type *__init real_type(u32 id)
{
	const struct btf_type *t = static_call(kern_btf_type_skip_modifiers)(btf, id, NULL);

	return t && btf_kind(t) != BTF_KIND_UNKN ? t : NULL;
}

static void __init append_type(char *buf, u32 id)
{
	const struct btf_type *t = real_type(id);
	size_t len = strlen(buf);

	if (t && btf_type_is_ptr(t)) {
		t = real_type(t->type);
		snprintf(buf + len, KERN_PROTO_LEN - len, "*%s",
			 !t ? "void" : btf_type_is_func_proto(t) ? "fn" :
			 type_name(t->name_off));
	} else if (t && btf_type_is_int(t)) {
		u8 encoding = btf_int_encoding(t);

		if (encoding & BTF_INT_BOOL)
			strlcat(buf, "bool", KERN_PROTO_LEN);
		else
			snprintf(buf + len, KERN_PROTO_LEN - len, "%c%u",
				 encoding & BTF_INT_SIGNED ? 's' : 'u',
				 t->size * 8);
	} else {
		strlcat(buf, t ? type_name(t->name_off) : "void", KERN_PROTO_LEN);
	}
}

/**
 * kern_proto() - a function's prototype in the running kernel
 * @name: the function's name
 * @proto: receives the prototype, %KERN_PROTO_LEN bytes
 *
 * Context: module init, from kern_verify() on.
 * Return: 0 or -ENOENT, then told.
 */
int __init kern_proto(const char *name, char *proto)
{
	const struct btf_param *param;
	const struct btf_type *t;
	unsigned int i;
	int id;

	id = static_call(kern_btf_find_by_name_kind)(btf, name, BTF_KIND_FUNC);
	if (id < 0) {
		pr_err("the kernel's BTF does not describe function %s\n", name);
		return -ENOENT;
	}
	t = btf_type_by_id(btf, btf_type_by_id(btf, id)->type);
	param = (const struct btf_param *)(t + 1);

	*proto = '\0';
	append_type(proto, t->type);
	strlcat(proto, "(", KERN_PROTO_LEN);
	for (i = 0; i < btf_type_vlen(t); i++) {
		if (i)
			strlcat(proto, ",", KERN_PROTO_LEN);
		append_type(proto, param[i].type);
	}
	strlcat(proto, ")", KERN_PROTO_LEN);
	return 0;
}

static int __init check_proto(const struct kern_func *f)
{
	char found[KERN_PROTO_LEN];
	int ret = kern_proto(f->name, found);

	if (!ret && strcmp(found, f->proto)) {
		pr_err("function %s is %s in this kernel, but this module knows it as %s\n",
		       f->name, found, f->proto);
		ret = -ENOEXEC;
	}
	return ret;
}

/* Offset of @name in @t in bits, in anonymous members too; < 0 if there is none. */
static long __init member_bits(const struct btf_type *t, const char *name,
			       const struct btf_type **type)
{
	const struct btf_member *m = (const struct btf_member *)(t + 1);
	unsigned int i;
	long bits;

	for (i = 0; i < btf_type_vlen(t); i++) {
		const char *member = type_name(m[i].name_off);

		*type = real_type(m[i].type);
		bits = __btf_member_bit_offset(t, &m[i]);
		if (!strcmp(member, name))
			return bits;
		if (!*member && __btf_type_is_struct(*type)) {
			long inner = member_bits(*type, name, type);

			if (inner >= 0)
				return bits + inner;
		}
	}
	return -ENOENT;
}

/* Where is @member of struct @name: bytes, or a negative errno and the reason told. */
static int __init find_member(const char *name, const char *member,
			      const struct btf_type **type)
{
	long bits = -ENOENT;
	int id;

	id = static_call(kern_btf_find_by_name_kind)(btf, name, BTF_KIND_STRUCT);
	if (id >= 0)
		bits = member_bits(btf_type_by_id(btf, id), member, type);
	if (bits < 0 || bits % 8) {
		pr_err("the kernel's BTF has no usable member %s in struct %s\n",
		       member, name);
		return -ENOENT;
	}
	return bits / 8;
}

struct known_member {
	const char *name;
	const char *member;
	u32 offset;
};

#define KNOWN(type, m) { #type, #m, offsetof(struct type, m) }

/* in the headers this module was built with; must be there in the kernel too */
static const struct known_member known_members[] __initconst = {
	KNOWN(scx_dispatch_q, lock),
	KNOWN(scx_dispatch_q, list),
	KNOWN(scx_dispatch_q, nr),
	KNOWN(scx_dispatch_q, seq),
	KNOWN(scx_dispatch_q, id),
	KNOWN(scx_dsq_list_node, node),
	KNOWN(scx_dsq_list_node, flags),
	KNOWN(sched_ext_entity, dsq),
	KNOWN(sched_ext_entity, dsq_list),
	KNOWN(sched_ext_entity, dsq_priq),
	KNOWN(sched_ext_entity, dsq_seq),
	KNOWN(sched_ext_entity, ops_state),
	KNOWN(sched_ext_entity, ddsp_dsq_id),
	KNOWN(sched_ext_entity, ddsp_enq_flags),
	KNOWN(sched_ext_entity, slice),
	KNOWN(sched_ext_entity, runnable_at),
	KNOWN(task_struct, scx),
	KNOWN(task_struct, thread_info),
	KNOWN(task_struct, cpus_ptr),
	KNOWN(task_struct, migration_disabled),
	KNOWN(task_struct, flags),
	KNOWN(task_struct, policy),
	KNOWN(task_struct, rt_priority),
#ifdef CONFIG_PREEMPT_RCU
	KNOWN(task_struct, rcu_read_lock_nesting),
#endif
	KNOWN(task_struct, pid),
	KNOWN(task_struct, comm),
	KNOWN(thread_info, cpu),
};

static int __init check_known_members(void)
{
	const struct btf_type *type;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known_members); i++) {
		const struct known_member *m = &known_members[i];
		int offset = find_member(m->name, m->member, &type);

		if (offset < 0)
			return offset;
		if (offset != m->offset) {
			pr_err("%s.%s is at byte %d in this kernel, but at %u in the headers this module was built with\n",
			       m->name, m->member, offset, m->offset);
			return -ENOEXEC;
		}
	}
	return 0;
}

/* A member of struct rq or scx_rq, an integer of 32 bits. */
static int __init learn_u32_member(const char *name, const char *member, u32 *offset)
{
	const struct btf_type *type;
	int ret = find_member(name, member, &type);

	if (ret < 0)
		return ret;
	if (!btf_type_is_int(type) || type->size != sizeof(u32)) {
		pr_err("%s.%s is not an integer of 32 bits in this kernel\n",
		       name, member);
		return -ENOEXEC;
	}
	*offset = ret;
	return 0;
}

/* What lockdep is to be asked about. */
static int __init learn_rq_locks(void)
{
#ifdef CONFIG_LOCKDEP
	const struct btf_type *type;
	int ret = find_member("rq", "__lock", &type);

	if (ret < 0)
		return ret;
	kern_layout.rq_lock = ret;
#ifdef CONFIG_SCHED_CORE
	ret = find_member("rq", "core", &type);
	if (ret < 0)
		return ret;
	kern_layout.rq_core = ret;
	return learn_u32_member("rq", "core_enabled", &kern_layout.rq_core_enabled);
#endif
#endif
	return 0;
}

static int __init learn_rq_layout(void)
{
	const struct btf_type *type;
	u32 flags, nr_running;
	int scx, local, cpu, ret;

	scx = find_member("rq", "scx", &type);
	if (scx < 0)
		return scx;
	ret = learn_u32_member("scx_rq", "flags", &flags) ?:
	      learn_u32_member("scx_rq", "nr_running", &nr_running) ?:
	      learn_u32_member("rq", "cpu", &kern_layout.rq_cpu) ?:
	      learn_u32_member("rq", "nr_running", &kern_layout.rq_nr_running) ?:
	      learn_rq_locks();
	if (ret)
		return ret;
	kern_layout.rq_scx_flags = scx + flags;
	kern_layout.rq_scx_nr_running = scx + nr_running;

	local = find_member("scx_rq", "local_dsq", &type);
	if (local < 0)
		return local;
	if (!btf_type_is_struct(type) || type->size != sizeof(struct scx_dispatch_q)) {
		pr_err("scx_rq.local_dsq is no scx_dispatch_q of %zu bytes in this kernel\n",
		       sizeof(struct scx_dispatch_q));
		return -ENOEXEC;
	}
	kern_layout.rq_local_dsq = scx + local;

	/* proves the symbol and the layout at once */
	for_each_possible_cpu(cpu) {
		if (kern_rq_cpu(kern_cpu_rq(cpu)) != cpu) {
			pr_err("the run queue of CPU %d is not where it should be\n", cpu);
			return -ENOEXEC;
		}
	}
	return 0;
}

/* The value of @name in enum @type of 32 or 64 bits. */
static int __init learn_enum(const char *type, const char *name, u64 *value)
{
	const struct btf_type *t;
	unsigned int i;
	int id;

	id = static_call(kern_btf_find_by_name_kind)(btf, type, BTF_KIND_ENUM);
	if (id < 0)
		id = static_call(kern_btf_find_by_name_kind)(btf, type, BTF_KIND_ENUM64);
	if (id >= 0) {
		const struct btf_enum *e;
		const struct btf_enum64 *e64;

		t = btf_type_by_id(btf, id);
		e = (const struct btf_enum *)(t + 1);
		e64 = (const struct btf_enum64 *)(t + 1);

		for (i = 0; i < btf_type_vlen(t); i++) {
			bool wide = btf_kind(t) == BTF_KIND_ENUM64;

			if (strcmp(type_name(wide ? e64[i].name_off : e[i].name_off), name))
				continue;
			*value = wide ? (u64)e64[i].val_hi32 << 32 | e64[i].val_lo32 :
					(u32)e[i].val;
			return 0;
		}
	}
	pr_err("the kernel's BTF has no %s in enum %s\n", name, type);
	return -ENOENT;
}

static int __init check_enum(const char *type, const char *name, u64 expected)
{
	u64 found;
	int ret = learn_enum(type, name, &found);

	if (!ret && found != expected) {
		pr_err("%s is %#llx in this kernel, but %#llx in the headers this module was built with\n",
		       name, found, expected);
		ret = -ENOEXEC;
	}
	return ret;
}

static int __init learn_enums(void)
{
	struct kern_layout *k = &kern_layout;

	return check_enum("scx_dsq_id_flags", "SCX_DSQ_GLOBAL", SCX_DSQ_GLOBAL) ?:
	       check_enum("scx_dsq_id_flags", "SCX_DSQ_INVALID", SCX_DSQ_INVALID) ?:
	       check_enum("scx_dsq_lnode_flags", "SCX_DSQ_LNODE_ITER_CURSOR",
			  SCX_DSQ_LNODE_ITER_CURSOR) ?:
	       learn_enum("scx_rq_flags", "SCX_RQ_ONLINE", &k->rq_online) ?:
	       learn_enum("scx_rq_flags", "SCX_RQ_BYPASSING", &k->rq_bypassing) ?:
	       learn_enum("scx_enq_flags", "SCX_ENQ_HEAD", &k->enq_head) ?:
	       learn_enum("scx_enq_flags", "SCX_ENQ_PREEMPT", &k->enq_preempt) ?:
	       learn_enum("scx_enq_flags", "SCX_ENQ_CLEAR_OPSS", &k->enq_clear_opss) ?:
	       learn_enum("scx_enq_flags", "SCX_ENQ_DSQ_PRIQ", &k->enq_dsq_priq);
}

/**
 * kern_verify() - check prototypes and layouts against the kernel's BTF
 *
 * Fills in kern_layout. Tells in one line what differs.
 *
 * Context: module init after kern_resolve(), may sleep.
 * Return: 0, -ENOENT if the BTF lacks something, -ENOEXEC if something is
 * not as this module was built to expect, or what loading the BTF returns.
 */
int __init kern_verify(void)
{
	unsigned int i;
	int ret = 0;

	btf = static_call(kern_bpf_get_btf_vmlinux)();
	if (IS_ERR_OR_NULL(btf)) {
		pr_err("this kernel has no BTF (CONFIG_DEBUG_INFO_BTF)\n");
		return btf ? PTR_ERR(btf) : -ENOENT;
	}

	for (i = 0; i < NR_KERN_FUNCS && !ret; i++)
		ret = check_proto(&kern_funcs[i]);

	return ret ?: check_known_members() ?: learn_rq_layout() ?: learn_enums();
}
