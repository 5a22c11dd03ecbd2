/* SPDX-License-Identifier: GPL-2.0-only */
/* Programs that a case runs. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stdbool.h>
#include <sys/types.h>

/* what the last one has written */
extern char program_output[1 << 17];

int program_run(uid_t uid, const char *command);
int program_start(const char *command, pid_t *pid);
int program_end(int fd, pid_t pid);
int program_start_on_terminal(const char *command, int columns, int rows, pid_t *pid);
bool program_read_until(int fd, const char *text, unsigned int seconds);

/* case_tools.c */
void tools_must_refuse(uid_t uid, int expected, const char *sentence);

#endif /* PROGRAM_H */
