/* SPDX-License-Identifier: GPL-2.0-only */
/* Module parameters. Written at any time: read with READ_ONCE(). */
#ifndef PARAMS_H
#define PARAMS_H

extern unsigned int bypass_lb_intv_us;
extern unsigned int slice_bypass_us;
extern bool readers_first;
extern bool kthreads_first;
extern bool expedite_rcu;
extern bool disable;
extern bool check;

enum backend {
	BACKEND_AUTO,
	BACKEND_LIVEPATCH,
	BACKEND_FTRACE,
	BACKEND_DIRECT,
};

extern enum backend backend;

const char *backend_name(enum backend which);

#endif /* PARAMS_H */
