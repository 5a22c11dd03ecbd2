/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PEERS_H
#define PEERS_H

#include <linux/types.h>

struct klp_patch;

void peers_give_ref(void);
void peers_take_ref(void);
void peers_set_in_place(bool in_place);
int peers_watch(const struct klp_patch *patch);
void peers_enabled(void);
void peers_unwatch(void);

#endif /* PEERS_H */
