/* SPDX-License-Identifier: GPL-2.0-only */
/* The terminal, as watch uses it. */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <stdbool.h>

bool terminal_open(void);
void terminal_close(void);
void terminal_size(int *columns, int *rows);
void terminal_draw(char *page);
bool terminal_quit(unsigned int ms);

#endif /* TERMINAL_H */
