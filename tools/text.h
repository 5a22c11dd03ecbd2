/* SPDX-License-Identifier: GPL-2.0-only */
/* Text for people: bars, times, pages of so many columns. */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>
#include <stdio.h>

#include "state.h"

/* a terminal of this width shows every page */
#define COLUMNS		80

void text_init(void);
const char *text_time(u64 ns, char *buf, size_t size);
void text_bar(FILE *f, unsigned int value, unsigned int of, int width);
void text_clean(char *text);
void text_glyph(FILE *f, unsigned int value, unsigned int of);

/* queues.c */
int queues_draw(FILE *f, const struct state *s, int columns, int rows);

#endif /* TEXT_H */
