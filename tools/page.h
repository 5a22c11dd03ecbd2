/* SPDX-License-Identifier: GPL-2.0-only */
/* Lines that status, watch and history show. */
#ifndef PAGE_H
#define PAGE_H

#include <stdio.h>

#include "scheduler.h"
#include "state.h"

void page_head(FILE *f, const struct state *s, const struct scheduler *sched);
void page_node(FILE *f, const struct node_state *node);
void page_episode_heads(FILE *f);
void page_episode(FILE *f, const struct episode *e);

#endif /* PAGE_H */
