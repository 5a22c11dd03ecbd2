/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FENTRY_H
#define FENTRY_H

#include <linux/types.h>

int fentry_install(bool direct);
void fentry_remove(void);

#endif /* FENTRY_H */
