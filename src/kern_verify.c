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
#include <linux/sched/signal.h>

#include "bypass_dsq.h"
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
	u32 size;
};

#define KNOWN(type, m) { #type, #m, offsetof(struct type, m), sizeof_field(struct type, m) }

/*
 * All that the module reads and writes in structures that the kernel's headers
 * have. The running kernel must have each where the headers have it, and as large.
 */
static const struct known_member known_members[] __initconst = {
	KNOWN(scx_dispatch_q, lock),
	KNOWN(scx_dispatch_q, list),
	KNOWN(scx_dispatch_q, priq),
	KNOWN(scx_dispatch_q, nr),
	KNOWN(scx_dispatch_q, seq),
	KNOWN(scx_dispatch_q, id),
	KNOWN(scx_dsq_list_node, node),
	KNOWN(scx_dsq_list_node, flags),
	KNOWN(sched_ext_entity, dsq),
	KNOWN(sched_ext_entity, dsq_list),
	KNOWN(sched_ext_entity, dsq_seq),
	KNOWN(sched_ext_entity, ops_state),
	KNOWN(sched_ext_entity, ddsp_dsq_id),
	KNOWN(sched_ext_entity, ddsp_enq_flags),
	KNOWN(sched_ext_entity, slice),
	KNOWN(task_struct, scx),
	KNOWN(task_struct, thread_info),
	KNOWN(task_struct, usage),
	KNOWN(task_struct, cpus_ptr),
	KNOWN(task_struct, migration_disabled),
	KNOWN(task_struct, flags),
	KNOWN(task_struct, policy),
	KNOWN(task_struct, static_prio),
	KNOWN(task_struct, rt_priority),
	KNOWN(task_struct, tasks),
	KNOWN(task_struct, thread_node),
	KNOWN(task_struct, signal),
#ifdef CONFIG_PREEMPT_RCU
	KNOWN(task_struct, rcu_read_lock_nesting),
#endif
#ifdef CONFIG_TASKS_RCU
	KNOWN(task_struct, rcu_tasks_holdout),
#endif
#ifdef CONFIG_LIVEPATCH
	KNOWN(task_struct, patch_state),
#endif
	KNOWN(task_struct, pid),
	KNOWN(task_struct, comm),
	KNOWN(thread_info, cpu),
	KNOWN(signal_struct, thread_head),
};

/* Bytes of a type, 0 if that cannot be told. */
static u32 __init type_size(const struct btf_type *t)
{
	u32 nr = 1;

	while (t && btf_type_is_array(t)) {
		nr *= btf_array(t)->nelems;
		t = real_type(btf_array(t)->type);
	}
	if (!t)
		return 0;
	if (btf_type_is_ptr(t))
		return nr * sizeof(void *);
	return btf_type_is_int(t) || btf_is_any_enum(t) || __btf_type_is_struct(t) ?
	       nr * t->size : 0;
}

static int __init check_known_members(void)
{
	const struct btf_type *type;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known_members); i++) {
		const struct known_member *m = &known_members[i];
		int offset = find_member(m->name, m->member, &type);
		u32 size;

		if (offset < 0)
			return offset;
		if (offset != m->offset) {
			pr_err("%s.%s is at byte %d in this kernel, but at %u in the headers this module was built with\n",
			       m->name, m->member, offset, m->offset);
			return -ENOEXEC;
		}
		size = type_size(type);
		if (size != m->size) {
			pr_err("%s.%s has %u bytes in this kernel, but %u in the headers this module was built with\n",
			       m->name, m->member, size, m->size);
			return -ENOEXEC;
		}
	}
	return 0;
}

/* all that a DSQ is made of; the module makes and fills DSQs of its own */
static const char * const dsq_members[] __initconst = {
	"lock", "list", "priq", "nr", "seq", "id", "hash_node", "free_node", "rcu",
};

/* A member that is new here would have to be maintained, and the module does not know how. */
static int __init check_dsq(void)
{
	int id = static_call(kern_btf_find_by_name_kind)(btf, "scx_dispatch_q", BTF_KIND_STRUCT);
	const struct btf_member *m;
	const struct btf_type *t;
	unsigned int i;

	if (id < 0) {
		pr_err("the kernel's BTF has no struct scx_dispatch_q\n");
		return -ENOENT;
	}
	t = btf_type_by_id(btf, id);
	m = (const struct btf_member *)(t + 1);
	for (i = 0; i < btf_type_vlen(t); i++) {
		const char *name = type_name(m[i].name_off);

		if (match_string(dsq_members, ARRAY_SIZE(dsq_members), name) < 0) {
			pr_err("struct scx_dispatch_q has a member %s in this kernel, which this module does not know\n",
			       name);
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
	int scx, cpu, ret;

	scx = find_member("rq", "scx", &type);
	if (scx < 0)
		return scx;
	ret = learn_u32_member("scx_rq", "flags", &flags) ?:
	      learn_u32_member("scx_rq", "nr_running", &nr_running) ?:
	      learn_u32_member("rq", "nr_running", &kern_layout.rq_nr_running) ?:
	      learn_u32_member("rq", "cpu", &kern_layout.rq_cpu) ?:
	      learn_rq_locks();
	if (ret)
		return ret;
	kern_layout.rq_scx_flags = scx + flags;
	kern_layout.rq_scx_nr_running = scx + nr_running;

	/* proves the symbol and the layout at once */
	for_each_possible_cpu(cpu) {
		if (kern_rq_cpu(kern_cpu_rq(cpu)) != cpu) {
			pr_err("the run queue of CPU %d is not where it should be\n", cpu);
			return -ENOEXEC;
		}
	}
	return 0;
}

/* An enum of 32 or 64 bits, NULL if there is none. */
static const struct btf_type *__init find_enum(const char *name)
{
	int id = static_call(kern_btf_find_by_name_kind)(btf, name, BTF_KIND_ENUM);

	if (id < 0)
		id = static_call(kern_btf_find_by_name_kind)(btf, name, BTF_KIND_ENUM64);
	return id < 0 ? NULL : btf_type_by_id(btf, id);
}

/* The name and the value of the enumerator @i of the enum @t. */
static const char *__init enumerator(const struct btf_type *t, unsigned int i, u64 *value)
{
	const struct btf_enum64 *e64 = (const struct btf_enum64 *)(t + 1) + i;
	const struct btf_enum *e = (const struct btf_enum *)(t + 1) + i;

	if (btf_kind(t) == BTF_KIND_ENUM64) {
		*value = (u64)e64->val_hi32 << 32 | e64->val_lo32;
		return type_name(e64->name_off);
	}
	*value = (u32)e->val;
	return type_name(e->name_off);
}

static int __init learn_enum(const char *type, const char *name, u64 *value)
{
	const struct btf_type *t = find_enum(type);
	unsigned int i;

	for (i = 0; t && i < btf_type_vlen(t); i++)
		if (!strcmp(enumerator(t, i, value), name))
			return 0;
	pr_err("the kernel's BTF has no %s in enum %s\n", name, type);
	return -ENOENT;
}

static int __init check_enum(const char *type, const char *name, u64 expected)
{
	u64 found;
	int ret = learn_enum(type, name, &found);

	if (!ret && found != expected) {
		pr_err("%s is %#llx in this kernel, but this module expects %#llx\n",
		       name, found, expected);
		ret = -ENOEXEC;
	}
	return ret;
}

/* No enumerator of @type may be @value: the module uses that itself. */
static int __init check_free(const char *type, u64 value)
{
	const struct btf_type *t = find_enum(type);
	unsigned int i;
	u64 found;

	for (i = 0; t && i < btf_type_vlen(t); i++) {
		const char *name = enumerator(t, i, &found);

		if (found == value) {
			pr_err("%s is %#llx in this kernel, which this module uses itself\n",
			       name, found);
			return -ENOEXEC;
		}
	}
	return 0;
}

/* The enum that says whether a scheduler is loaded has an older name and a newer one. */
static int __init learn_sched_state(void)
{
	u64 *unloaded = &kern_layout.sched_unloaded;

	if (find_enum("scx_ops_enable_state"))
		return learn_enum("scx_ops_enable_state", "SCX_OPS_DISABLED", unloaded);
	return learn_enum("scx_enable_state", "SCX_DISABLED", unloaded);
}

static int __init learn_enums(void)
{
	struct kern_layout *k = &kern_layout;

	return check_enum("scx_dsq_id_flags", "SCX_DSQ_GLOBAL", SCX_DSQ_GLOBAL) ?:
	       check_enum("scx_dsq_id_flags", "SCX_DSQ_INVALID", SCX_DSQ_INVALID) ?:
	       check_free("scx_dsq_id_flags", SCX_DSQ_BYPASS) ?:
	       check_enum("scx_dsq_lnode_flags", "SCX_DSQ_LNODE_ITER_CURSOR",
			  SCX_DSQ_LNODE_ITER_CURSOR) ?:
	       check_enum("scx_ops_state", "SCX_OPSS_NONE", BYPASS_OPSS_NONE) ?:
	       learn_enum("scx_rq_flags", "SCX_RQ_ONLINE", &k->rq_online) ?:
	       learn_enum("scx_rq_flags", "SCX_RQ_BYPASSING", &k->rq_bypassing) ?:
	       learn_enum("scx_enq_flags", "SCX_ENQ_HEAD", &k->enq_head) ?:
	       learn_enum("scx_enq_flags", "SCX_ENQ_PREEMPT", &k->enq_preempt) ?:
	       learn_enum("scx_enq_flags", "SCX_ENQ_CLEAR_OPSS", &k->enq_clear_opss) ?:
	       learn_enum("scx_enq_flags", "SCX_ENQ_DSQ_PRIQ", &k->enq_dsq_priq) ?:
	       check_free("scx_enq_flags", SCX_ENQ_NESTED) ?:
	       learn_sched_state();
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

	for (i = 0; i < nr_kern_funcs && !ret; i++)
		ret = check_proto(&kern_funcs[i]);

	return ret ?: check_known_members() ?: check_dsq() ?: learn_rq_layout() ?: learn_enums();
}
