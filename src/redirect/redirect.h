/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef REDIRECT_H
#define REDIRECT_H

const char *redirect_backend(void);
int redirect_choose(void);
int redirect_install(void);
void redirect_remove(void);

#endif /* REDIRECT_H */
