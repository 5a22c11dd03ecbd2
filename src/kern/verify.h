/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VERIFY_H
#define VERIFY_H

int verify_kernel(void);

#endif /* VERIFY_H */
