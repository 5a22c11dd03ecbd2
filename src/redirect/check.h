/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CHECK_H
#define CHECK_H

#include <linux/types.h>

int check_sites(bool *direct_taken);

#endif /* CHECK_H */
