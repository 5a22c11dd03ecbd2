// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz: whatever is written to a parameter, through sysfs or on the modprobe
 * line, it is what strtoul() and the range of the parameter make of it.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab.h"

#define WRITES	2000
#define LOADS	100
#define MAX_LEN	24

static const struct range {
	const char *name;
	unsigned long min, max;
} ranges[] = {
	{ "bypass_lb_intv_us", 0, 10000000 },
	{ "slice_bypass_us", 100, 100000 },
};

/*
 * Is @text a number in this range, as the kernel reads one: in C's notation,
 * a plus sign before it, one newline behind it?
 */
static bool is_valid(const char *text, const struct range *range, unsigned long *value)
{
	char *end;

	if (*text == '+')
		text++;
	if (!isdigit(*text))
		return false;
	errno = 0;
	*value = strtoul(text, &end, 0);
	if (*end == '\n')
		end++;
	return !*end && !errno && *value >= range->min && *value <= range->max;
}

/* Numbers around the limits, in several notations, and what is none; no blank. */
static void make_up(char *text, const struct range *range)
{
	static const char letters[] = "0123456789abcdefxXyn+-.,eE%\\\"'\n\t=";
	static const char * const formats[] = { "%lu", "%lu\n", "0x%lx", "0%lo", "+%lu", "-%lu",
						"%luk", "%lu,0" };
	const unsigned long edges[] = { range->min, range->max, UINT_MAX, ULONG_MAX, INT_MAX, 0,
					random() % 20000, random() };
	int i, len;

	if (random() % 3) {
		snprintf(text, MAX_LEN, formats[random() % ARRAY_SIZE(formats)],
			 edges[random() % ARRAY_SIZE(edges)] + random() % 3 - 1);
		return;
	}
	len = random() % MAX_LEN;
	for (i = 0; i < len; i++)
		text[i] = letters[random() % (sizeof(letters) - 1)];
	text[len] = '\0';
}

/* For a message. */
static const char *printable(const char *text)
{
	static char out[2 * MAX_LEN];
	int i;

	for (i = 0; text[i]; i++)
		out[i] = isprint(text[i]) ? text[i] : '?';
	out[i] = '\0';
	return out;
}

static void through_sysfs(void)
{
	int i, wrong = 0, accepted = 0;

	for (i = 0; i < WRITES; i++) {
		const struct range *range = &ranges[i % ARRAY_SIZE(ranges)];
		char text[MAX_LEN], path[128];
		unsigned long value;
		long before;
		bool valid;
		int ret;

		make_up(text, range);
		if (!*text)
			continue;
		valid = is_valid(text, range, &value);
		snprintf(path, sizeof(path), "/sys/module/" MODULE "/parameters/%s", range->name);
		before = read_long(path);
		ret = write_file(path, text);
		if (valid != !ret || (ret && ret != -EINVAL && ret != -ERANGE) ||
		    read_long(path) != (valid ? (long)value : before)) {
			info("%s = '%s': %s, then %ld", range->name, printable(text),
			     strerror(-ret), read_long(path));
			wrong++;
		}
		accepted += valid;
	}
	check(!wrong, "%d of %d writes were not answered as they must be", wrong, i);
	check(accepted > WRITES / 20 && accepted < WRITES / 2, "%d of them were valid", accepted);
}

/* Only what must be refused: loading takes long. */
static void on_the_command_line(void)
{
	int i, loaded = 0, wrong = 0, tried = 0;

	for (i = 0; i < LOADS; i++) {
		const struct range *range = &ranges[i % ARRAY_SIZE(ranges)];
		char text[MAX_LEN], params[128];
		unsigned long value;
		int ret;

		make_up(text, range);
		/* those are for the parser of the line, before the parameter sees them */
		if (strpbrk(text, "\"\n\t") || is_valid(text, range, &value))
			continue;
		snprintf(params, sizeof(params), "%s=%s", range->name, text);
		ret = load_under_test(params);
		tried++;
		if (!ret) {
			info("loaded with %s", params);
			loaded++;
			module_unload();
		} else if (ret != -EINVAL && ret != -ERANGE) {
			info("%s: %s", params, strerror(-ret));
			wrong++;
		}
	}
	check(!loaded && !wrong,
	      "%d of %d loads with bad parameters succeeded, %d had another errno", loaded, tried,
	      wrong);
	check(tried > LOADS / 2 && !exists("/sys/module/" MODULE), "and nothing is left behind");
}

static void words(void)
{
	static const char * const bad[] = {
		"backend=", "backend=kprobe", "backend=LIVEPATCH", "backend", "backend=auto,ftrace",
		"disable=2", "disable=maybe", "disable=", "bypass_lb_intv_us", "slice_bypass_us",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		int ret = load_under_test(bad[i]);

		check(ret == -EINVAL && !exists("/sys/module/" MODULE), "with %s: %s", bad[i],
		      strerror(-ret));
	}
	check(load_under_test("disable") == -ECANCELED, "with disable it does not load");
}

static void fuzz_switch(const char *name)
{
	static const struct {
		const char *text;
		int ret;
	} writes[] = {
		{ "1", 0 }, { "0", 0 }, { "y", 0 }, { "N\n", 0 }, { "on", 0 }, { "off", 0 },
		{ "2", -EINVAL }, { "-1", -EINVAL }, { " ", -EINVAL }, { "o", -EINVAL },
	};
	char path[128];
	size_t i;
	int wrong = 0;

	snprintf(path, sizeof(path), "/sys/module/" MODULE "/parameters/%s", name);
	for (i = 0; i < ARRAY_SIZE(writes); i++)
		wrong += write_file(path, writes[i].text) != writes[i].ret;
	check(!wrong, "%s: %d of %zu writes were not answered as they must be", name, wrong, i);
}

static void case_fuzz(bool module)
{
	static const char * const switches[] = {
		"readers_first", "kthreads_first", "expedite_rcu",
	};
	size_t i;

	srandom(1);
	on_the_command_line();
	words();
	module_load("");
	through_sysfs();
	must_write(PARAM("bypass_lb_intv_us"), "500000");
	for (i = 0; i < ARRAY_SIZE(switches); i++)
		fuzz_switch(switches[i]);
	module_unload();
}

CASE(fuzz) = {
	.shows = "whatever is written to a parameter, it is what its range makes of it",
	.targets = "fire",
};
