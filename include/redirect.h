/* SPDX-License-Identifier: GPL-2.0-only */
/* How the hooked functions are redirected. Callers do not see the means. */
#ifndef REDIRECT_H
#define REDIRECT_H

const char *redirect_backend(void);
int redirect_install(void);
void redirect_remove(void);

#endif /* REDIRECT_H */
