/* SPDX-License-Identifier: GPL-2.0-only */
/* What the running kernel's BTF says. For loading only. */
#ifndef KERN_BTF_H
#define KERN_BTF_H

#include <linux/types.h>

int kern_btf_load(void);
int kern_btf_member(const char *name, const char *member, u32 *size);
int kern_btf_u32_member(const char *name, const char *member, u32 *offset);
const char *kern_btf_member_name(const char *name, unsigned int i);
const char *kern_btf_enumerator(const char *name, unsigned int i, u64 *value);

#define KERN_PROTO_LEN	128
int kern_proto(const char *name, char *proto);

#endif /* KERN_BTF_H */
