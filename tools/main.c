// SPDX-License-Identifier: GPL-2.0-only
/* scx-bypass: what the module scx_bypass_lb does and did. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "files.h"
#include "text.h"

enum file_argument { NO_FILE, MAY_HAVE_FILE, NEEDS_FILE };

static const struct verb {
	const char *name, *argument, *what;
	int (*run)(const struct options *o);
	enum file_argument file;
	const char *options;	/* as they are in long_options, those of all verbs aside */
} verbs[] = {
	{ "status", "", "what the module does now (default)", verb_status, NO_FILE, "j" },
	{ "watch", "", "the same, drawn again and again; q quits", verb_watch, NO_FILE, "i" },
	{ "history", "", "the last 16 bypass episodes", verb_history, NO_FILE, "j" },
	{ "plot", " FILE.svg", "draw the queues over an episode", verb_plot, NEEDS_FILE, "isw" },
	{ "metrics", "", "for Prometheus' node_exporter (textfile)", verb_metrics, NO_FILE, "" },
	{ "report", " [FILE]", "all that a bug report needs", verb_report, MAY_HAVE_FILE, "" },
	{ NULL }
};

static const struct option long_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "json", no_argument, NULL, 'j' },
	{ "interval", required_argument, NULL, 'i' },
	{ "seconds", required_argument, NULL, 's' },
	{ "wait", required_argument, NULL, 'w' },
	{ "root", required_argument, NULL, 'r' },
	{ NULL }
};

static void show_help(FILE *f)
{
	const struct verb *v;
	char left[32];

	fputs("Usage: scx-bypass [options] [verb]\n\nverbs:\n", f);
	for (v = verbs; v->name; v++) {
		snprintf(left, sizeof(left), "%s%s", v->name, v->argument);
		fprintf(f, "  %-15s %s\n", left, v->what);
	}
	fputs("\noptions:\n"
	      "  --json          status and history as JSON\n"
	      "  --interval=MS   of watch (500) and plot (10), milliseconds\n"
	      "  --wait=SECONDS  how long plot waits for bypass to begin (60)\n"
	      "  --seconds=N     how long plot looks at most (30)\n"
	      "  --root=DIR      read the kernel's files below DIR\n"
	      "  --version, --help\n\nSee scx-bypass(1).\n", f);
}

static int wrong(const char *what, const char *which)
{
	fprintf(stderr, "scx-bypass: %s: %s\nTry \"scx-bypass --help\".\n", what, which);
	return EXIT_USAGE;
}

/* A number from 1 to a million. */
static bool take_number(const char *text, unsigned int *to)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	*to = value;
	return *text >= '0' && *text <= '9' && !*end && value && value <= 1000000;
}

static const struct verb *find_verb(const char *name)
{
	const struct verb *v = verbs;

	while (v->name && strcmp(v->name, name))
		v++;
	return v->name ? v : NULL;
}

/* An option that is on the command line, but not for this verb; or NULL. */
static const struct option *find_foreign(const struct verb *v, const struct options *o)
{
	const struct option *l;
	bool given;

	for (l = long_options; l->name; l++) {
		given = (l->val == 'j' && o->json) || (l->val == 'i' && o->interval_ms) ||
			(l->val == 's' && o->seconds) || (l->val == 'w' && o->wait_seconds);
		if (given && !strchr(v->options, l->val))
			return l;
	}
	return NULL;
}

static int run(const struct verb *v, struct options *o, int argc, char **argv)
{
	const struct option *foreign = find_foreign(v, o);

	if (argc > (v->file == NO_FILE ? 0 : 1))
		return wrong("too many arguments", argv[argc - 1]);
	if (v->file == NEEDS_FILE && !argc)
		return wrong("this verb needs the name of a file", v->name);
	if (foreign)
		return wrong("not an option of this verb", foreign->name);
	o->file = argc ? argv[0] : NULL;
	return v->run(o);
}

/* Nobody may take a part for the whole. */
static int finish(int status)
{
	if (fflush(stdout) || ferror(stdout)) {
		perror("scx-bypass");
		return EXIT_ERROR;
	}
	return status;
}

int main(int argc, char **argv)
{
	struct options o = {};
	const struct verb *v;
	unsigned int *number;
	int c;

	text_init();
	while ((c = getopt_long(argc, argv, "hV", long_options, NULL)) != -1) {
		switch (c) {
		case 'h':
			show_help(stdout);
			return finish(EXIT_FINE);
		case 'V':
			puts("scx-bypass " VERSION);
			return finish(EXIT_FINE);
		case 'j':
			o.json = true;
			break;
		case 'r':
			files_root = optarg;
			if (!files_exist("/"))
				return wrong("no such directory", optarg);
			break;
		case 'i':
		case 's':
		case 'w':
			number = c == 'i' ? &o.interval_ms :
				 c == 's' ? &o.seconds : &o.wait_seconds;
			if (!take_number(optarg, number))
				return wrong("not a number from 1 to 1000000", optarg);
			break;
		default:
			fputs("Try \"scx-bypass --help\".\n", stderr);
			return EXIT_USAGE;
		}
	}
	v = find_verb(optind < argc ? argv[optind] : "status");
	if (!v)
		return wrong("no such verb", argv[optind]);
	argv += optind + (optind < argc);
	argc -= optind + (optind < argc);
	return finish(run(v, &o, argc, argv));
}
