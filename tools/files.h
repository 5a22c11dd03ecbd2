/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading the kernel's files. */
#ifndef FILES_H
#define FILES_H

#include <stdbool.h>
#include <stddef.h>

#define DEBUGFS		"/sys/kernel/debug/scx_bypass_lb/"
#define SCHED_EXT	"/sys/kernel/sched_ext/"

/* read all files below this directory; "" is the machine itself */
extern const char *files_root;

char *files_read(const char *path);
bool files_exist(const char *path);
bool files_word(const char *path, char *word, size_t size);
char *files_next_line(char **rest);
char *files_kernel_log(void);

#endif /* FILES_H */
