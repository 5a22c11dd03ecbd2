// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module's files as JSON: every key as it is in the file, so that a new key needs no
 * change here. Keys of nodes and CPUs become members of objects in the arrays "nodes" and
 * "cpus"; numbers are numbers, Y and N are booleans. A name is always a string.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "files.h"
#include "json.h"
#include "state.h"

static void put_string(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			printf("\\%c", *text);
		else if (isascii(*text) && isprint((unsigned char)*text))
			putchar(*text);
		else
			printf("\\u%04x", (unsigned char)*text);
	}
	putchar('"');
}

static bool is_number(const char *text)
{
	const char *digits = text + (*text == '-');

	return *digits && strspn(digits, "0123456789") == strlen(digits);
}

/* Names and the like, which may look like a number or a flag. */
static bool is_text(const char *key)
{
	static const char * const keys[] = { "name", "version", "state", "last_exit", NULL };
	static const char task[] = "_task";
	size_t len = strlen(key), end = strlen(task);
	const char * const *k;

	for (k = keys; *k; k++)
		if (!strcmp(key, *k))
			return true;
	return len >= end && !strcmp(key + len - end, task);
}

static void put_value(const char *key, const char *value)
{
	if (is_text(key))
		put_string(value);
	else if (is_number(value))
		fputs(value, stdout);
	else if (!strcmp(value, "Y") || !strcmp(value, "N"))
		fputs(*value == 'Y' ? "true" : "false", stdout);
	else
		put_string(value);
}

/* A member of an object, behind others but for the first. */
static void put_member(bool *first, const char *key, const char *value)
{
	fputs(*first ? "" : ", ", stdout);
	*first = false;
	put_string(key);
	fputs(": ", stdout);
	put_value(key, value);
}

/* Is @key one of group @group, "node" or "cpu", and of which number? Returns its rest. */
static const char *key_of_group(const char *key, const char *group, int *nr)
{
	size_t len = strlen(group);
	char *end;

	if (strncmp(key, group, len) || !isdigit((unsigned char)key[len]))
		return NULL;
	*nr = strtol(key + len, &end, 10);
	return *end == '_' ? end + 1 : NULL;
}

/* The lines of a group as an array; of no group (NULL) as members. */
static void put_lines(const char *from, const char *group)
{
	char *text = strdup(from), *rest = text, *line, *value, number[16];
	int nr, last = -1, ignored;
	bool first = true;

	while (text && (line = files_next_line(&rest))) {
		const char *key = line;

		if (!state_split(line, &value))
			continue;
		if (group) {
			key = key_of_group(line, group, &nr);
			if (!key)
				continue;
			if (nr != last) {
				fputs(last < 0 ? "\n  {" : "},\n  {", stdout);
				first = true;
				last = nr;
				snprintf(number, sizeof(number), "%d", nr);
				put_member(&first, group, number);
			}
			put_member(&first, key, value);
		} else if (!key_of_group(line, "node", &ignored) &&
			   !key_of_group(line, "cpu", &ignored)) {
			put_member(&first, key, value);
		}
	}
	if (group && last >= 0)
		putchar('}');
	free(text);
}

static void put_events(const char *events)
{
	char *text = strdup(events), *rest = text, *line, *value;
	bool first = true;

	while (text && (line = files_next_line(&rest))) {
		value = strchr(line, ' ');
		if (!value)
			continue;
		*value++ = '\0';
		put_member(&first, line, value);
	}
	free(text);
}

/* Print the status file's text and the scheduler. */
void json_status(char *text, const struct scheduler *sched)
{
	bool first = true;

	fputs("{", stdout);
	put_lines(text, NULL);
	fputs(",\n \"scheduler\": {", stdout);
	put_member(&first, "state", sched->state);
	if (*sched->name)
		put_member(&first, "name", sched->name);
	if (*sched->exit)
		put_member(&first, "last_exit", sched->exit);
	if (sched->events) {
		fputs(", \"events\": {", stdout);
		put_events(sched->events);
		putchar('}');
	}
	fputs("},\n \"nodes\": [", stdout);
	put_lines(text, "node");
	fputs("],\n \"cpus\": [", stdout);
	put_lines(text, "cpu");
	fputs("]}\n", stdout);
}

/* Print the record's text. */
void json_history(char *text)
{
	char *rest = text, *line, *value;
	bool first = true, any = false;

	putchar('[');
	while ((line = files_next_line(&rest))) {
		if (!state_split(line, &value))
			continue;
		if (!strcmp(line, "episode")) {
			fputs(any ? "},\n {" : "\n {", stdout);
			any = true;
			first = true;
		}
		put_member(&first, line, value);
	}
	fputs(any ? "}]\n" : "]\n", stdout);
}
