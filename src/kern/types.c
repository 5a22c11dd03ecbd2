// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the running kernel's BTF says of functions, structures and enums.
 *
 * Prototypes are given as strings: integers by size and sign (u64, s32), "bool",
 * pointers as '*' and the name of what they point to, for example "void(*rq,s32)".
 * That is what the calling convention depends on.
 */
#include <linux/module.h>

#include "kern/kern.h"
#include "kern/types.h"

static struct btf *types_btf __initdata;

/**
 * types_load() - get the kernel's BTF
 *
 * Context: module init after resolve_kernel(), may sleep.
 * Return: 0, -ENOENT if there is none, or what loading it returns; then reported.
 */
int __init types_load(void)
{
	types_btf = static_call(kern_bpf_get_btf_vmlinux)();
	if (!IS_ERR_OR_NULL(types_btf))
		return 0;
	pr_err("this kernel has no BTF (CONFIG_DEBUG_INFO_BTF)\n");
	return types_btf ? PTR_ERR(types_btf) : -ENOENT;
}

static const char *__init types_name(u32 offset)
{
	return static_call(kern_btf_name_by_offset)(types_btf, offset);
}

/* The type of a kind and a name, NULL if there is none. */
static const struct btf_type *__init types_find(const char *name, u8 kind)
{
	int id = static_call(kern_btf_find_by_name_kind)(types_btf, name, kind);

	return id < 0 ? NULL : btf_type_by_id(types_btf, id);
}

/* The type @id behind its qualifiers and typedefs, NULL for void. */
static const struct btf_type *__init types_real(u32 id)
{
	const struct btf_type *t = static_call(kern_btf_type_skip_modifiers)(types_btf, id, NULL);

	return t && btf_kind(t) != BTF_KIND_UNKN ? t : NULL;
}

static void __init types_append(char *buf, u32 id)
{
	const struct btf_type *t = types_real(id);
	size_t len = strlen(buf);

	if (t && btf_type_is_ptr(t)) {
		t = types_real(t->type);
		snprintf(buf + len, TYPES_PROTO_LEN - len, "*%s",
			 !t ? "void" : btf_type_is_func_proto(t) ? "fn" :
			 types_name(t->name_off));
	} else if (t && btf_type_is_int(t)) {
		u8 encoding = btf_int_encoding(t);

		if (encoding & BTF_INT_BOOL)
			strlcat(buf, "bool", TYPES_PROTO_LEN);
		else
			snprintf(buf + len, TYPES_PROTO_LEN - len, "%c%u",
				 encoding & BTF_INT_SIGNED ? 's' : 'u',
				 t->size * 8);
	} else {
		strlcat(buf, t ? types_name(t->name_off) : "void", TYPES_PROTO_LEN);
	}
}

/**
 * types_proto() - a function's prototype in the running kernel
 * @name: the function's name
 * @proto: receives the prototype, %TYPES_PROTO_LEN bytes
 *
 * Context: module init, after types_load().
 * Return: 0, or -ENOENT if the BTF does not describe it.
 */
int __init types_proto(const char *name, char *proto)
{
	const struct btf_type *t = types_find(name, BTF_KIND_FUNC);
	const struct btf_param *param;
	unsigned int i;

	if (!t)
		return -ENOENT;
	t = btf_type_by_id(types_btf, t->type);
	param = (const struct btf_param *)(t + 1);

	*proto = '\0';
	types_append(proto, t->type);
	strlcat(proto, "(", TYPES_PROTO_LEN);
	for (i = 0; i < btf_type_vlen(t); i++) {
		if (i)
			strlcat(proto, ",", TYPES_PROTO_LEN);
		types_append(proto, param[i].type);
	}
	strlcat(proto, ")", TYPES_PROTO_LEN);
	return 0;
}

/* Offset of @name in @t in bits, in anonymous structs and unions too; < 0 if there is none. */
static int __init types_member_bits(const struct btf_type *t, const char *name,
				    const struct btf_type **type)
{
	const struct btf_member *m = (const struct btf_member *)(t + 1);
	unsigned int i;
	int bits;

	for (i = 0; i < btf_type_vlen(t); i++) {
		const char *member = types_name(m[i].name_off);

		*type = types_real(m[i].type);
		bits = __btf_member_bit_offset(t, &m[i]);
		if (!strcmp(member, name))
			return bits;
		if (!*member && btf_type_is_struct(*type)) {
			int inner = types_member_bits(*type, name, type);

			if (inner >= 0)
				return bits + inner;
		}
	}
	return -ENOENT;
}

/* Bytes of a type, 0 if that is not known. */
static u32 __init types_size(const struct btf_type *t)
{
	u32 nr = 1;

	while (t && btf_type_is_array(t)) {
		nr *= btf_array(t)->nelems;
		t = types_real(btf_array(t)->type);
	}
	if (!t)
		return 0;
	if (btf_type_is_ptr(t))
		return nr * sizeof(void *);
	return btf_type_is_int(t) || btf_is_any_enum(t) || __btf_type_is_struct(t) ?
	       nr * t->size : 0;
}

/**
 * types_member() - a member of a structure
 * @name: the structure
 * @member: the member, which may be inside an anonymous one
 * @size: receives its size in bytes, 0 if that is not known
 *
 * Context: module init after types_load().
 * Return: its offset in bits, or -ENOENT, then reported.
 */
int __init types_member(const char *name, const char *member, u32 *size)
{
	const struct btf_type *type, *t = types_find(name, BTF_KIND_STRUCT);
	int bits = t ? types_member_bits(t, member, &type) : -ENOENT;

	if (bits < 0)
		pr_err("the kernel's BTF has no usable member %s in struct %s\n", member, name);
	else
		*size = types_size(type);
	return bits;
}

/**
 * types_member_name() - the name of a structure's member
 * @name: the structure
 * @i: the member's number
 *
 * Context: module init after types_load().
 * Return: the name, or NULL if there are not so many.
 */
const char *__init types_member_name(const char *name, unsigned int i)
{
	const struct btf_type *t = types_find(name, BTF_KIND_STRUCT);

	if (!t || i >= btf_type_vlen(t))
		return NULL;
	return types_name(((const struct btf_member *)(t + 1))[i].name_off);
}

/**
 * types_enumerator() - an enumerator of an enum of 32 or 64 bits
 * @name: the enum
 * @i: the enumerator's number
 * @value: receives its value
 *
 * Context: module init after types_load().
 * Return: its name, or NULL if there are not so many.
 */
const char *__init types_enumerator(const char *name, unsigned int i, u64 *value)
{
	const struct btf_type *t = types_find(name, BTF_KIND_ENUM) ?:
				   types_find(name, BTF_KIND_ENUM64);
	const struct btf_enum64 *e64;
	const struct btf_enum *e;

	if (!t || i >= btf_type_vlen(t))
		return NULL;
	if (btf_kind(t) == BTF_KIND_ENUM64) {
		e64 = (const struct btf_enum64 *)(t + 1) + i;
		*value = (u64)e64->val_hi32 << 32 | e64->val_lo32;
		return types_name(e64->name_off);
	}
	e = (const struct btf_enum *)(t + 1) + i;
	*value = (u32)e->val;
	return types_name(e->name_off);
}
