/* SPDX-License-Identifier: GPL-2.0-only */
/* The verbs of scx-bypass, and what they exit with. */
#ifndef COMMAND_H
#define COMMAND_H

#include <stdbool.h>

#define MODULE	"scx_bypass_lb"

/* documented in scx-bypass(1) */
enum exit_status {
	EXIT_FINE = 0,
	EXIT_ERROR = 1,		/* something could not be read or written */
	EXIT_USAGE = 2,
	EXIT_NOT_LOADED = 3,
	EXIT_NOT_PERMITTED = 4,
	EXIT_NOT_NEEDED = 5,	/* this kernel needs no module */
};

/**
 * struct options - what the command line says
 * @json: --json
 * @interval_ms: --interval
 * @seconds: --seconds
 * @wait_seconds: --wait
 * @file: the argument behind the verb, if any
 */
struct options {
	bool json;
	unsigned int interval_ms;
	unsigned int seconds;
	unsigned int wait_seconds;
	const char *file;
};

/* Each returns an enum exit_status. */
int verb_status(const struct options *o);
int verb_watch(const struct options *o);
int verb_history(const struct options *o);
int verb_plot(const struct options *o);
int verb_metrics(const struct options *o);
int verb_report(const struct options *o);

#endif /* COMMAND_H */
