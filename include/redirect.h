/* SPDX-License-Identifier: GPL-2.0-only */
/* How the hooked functions are redirected. Callers do not see the means. */
#ifndef REDIRECT_H
#define REDIRECT_H

#include <linux/types.h>

const char *redirect_backend(void);
int redirect_install(void);
int redirect_preview(const char **name);
void redirect_remove(void);

/* The rest is for the redirect_*.c files. */

int redirect_check_sites(bool *direct_taken);
void redirect_wait_tasks(void);
void redirect_watch_stall(bool livepatch);
void redirect_unwatch_stall(void);

int redirect_ftrace_install(bool direct);
void redirect_ftrace_remove(void);

#ifdef CONFIG_LIVEPATCH
struct klp_patch;

int redirect_livepatch_install(void);
void redirect_livepatch_remove(void);
void redirect_livepatch_suspend(bool suspend, bool replaced);
int redirect_peers_watch(const struct klp_patch *patch);
void redirect_peers_enabled(void);
void redirect_peers_unwatch(void);
#else
static inline int redirect_livepatch_install(void)
{
	return -EOPNOTSUPP;
}

static inline void redirect_livepatch_remove(void)
{
}
#endif

#endif /* REDIRECT_H */
