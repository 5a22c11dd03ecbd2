/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FENTRY_H
#define FENTRY_H

#include <linux/compiler.h>
#include <linux/types.h>

int fentry_install(bool direct);
void fentry_remove(void);
void __noreturn fentry_stay(int error);

#endif /* FENTRY_H */
