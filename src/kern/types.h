/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TYPES_H
#define TYPES_H

#include <linux/types.h>

int types_load(void);
int types_member(const char *name, const char *member, u32 *size);
const char *types_member_name(const char *name, unsigned int i);
const char *types_enumerator(const char *name, unsigned int i, u64 *value);

#define TYPES_PROTO_LEN	128
int types_proto(const char *name, char *proto);

#endif /* TYPES_H */
