// SPDX-License-Identifier: GPL-2.0-only
/* Parses the module's files. If they cannot be read, says why, in one sentence. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "files.h"
#include "state.h"
#include "text.h"

/* a kernel with this function balances its bypass queues itself */
#define NATIVE_BALANCER	" scx_bypass_lb_timerfn\n"

#define NOT_NEEDED	", so it does not need the module " MODULE ".\n"
#define LOAD		": load it with \"modprobe " MODULE "\".\n"
#define RELOAD		": unload it and load the installed one.\n"
#define MOUNT		": mount debugfs with \"mount -t debugfs none /sys/kernel/debug\".\n"

static bool balances_itself(void)
{
	char *symbols = files_read("/proc/kallsyms");
	bool found = symbols && strstr(symbols, NATIVE_BALANCER);

	free(symbols);
	return found;
}

/* Say why a file of the module cannot be read. Returns an enum exit_status. */
static int explain(int err)
{
	if (!files_exist("/sys/module/" MODULE)) {
		if (!files_exist(SCHED_EXT)) {
			fputs("This kernel has no sched_ext" NOT_NEEDED, stderr);
			return EXIT_NOT_NEEDED;
		}
		if (balances_itself()) {
			fputs("This kernel balances sched_ext's bypass mode itself" NOT_NEEDED,
			      stderr);
			return EXIT_NOT_NEEDED;
		}
		fputs("The module " MODULE " is not loaded" LOAD, stderr);
		return EXIT_NOT_LOADED;
	}
	if ((err == EACCES || err == EPERM) && geteuid()) {
		fputs("Only root can read what the module does: run this command as root.\n",
		      stderr);
		return EXIT_NOT_PERMITTED;
	}
	if (err == ENOENT) {
		fputs("The files of the module are not there" MOUNT, stderr);
		return EXIT_ERROR;
	}
	fprintf(stderr, "The files of the module " MODULE " cannot be read: %s.\n",
		strerror(err));
	return EXIT_ERROR;
}

/* Version 0.1.0 has other lines in its status file, and no history. */
static bool is_known_version(void)
{
	char *text = files_read(DEBUGFS "status");
	bool known = !text || !strncmp(text, "version: ", strlen("version: "));

	free(text);
	return known;
}

/* A file of the module, to be freed; NULL and *status if it cannot be read. */
char *state_read_file(const char *name, int *status)
{
	char path[128], *text;
	int err;

	snprintf(path, sizeof(path), DEBUGFS "%s", name);
	text = files_read(path);
	err = errno;
	if (is_known_version()) {
		*status = text ? EXIT_FINE : explain(err);
		return text;
	}
	free(text);
	fputs("The module that is loaded is of a version that this command does not know"
	      RELOAD, stderr);
	*status = EXIT_ERROR;
	return NULL;
}

/* Split a line "key: value". */
bool state_split(char *line, char **value)
{
	char *at = strstr(line, ": ");

	if (!at)
		return false;
	*at = '\0';
	*value = at + 2;
	return true;
}

enum kind { NUMBER, SIGNED, FLAG, TEXT };

struct field {
	const char *key;
	enum kind kind;
	size_t offset;
	size_t size;
};

#define FIELD(type, key, kind, member) \
	{ key, kind, offsetof(struct type, member), sizeof(((struct type *)0)->member) }
#define END	{ NULL }

static const struct field state_fields[] = {
	FIELD(state, "version", TEXT, version),
	FIELD(state, "backend", TEXT, backend),
	FIELD(state, "now_ns", NUMBER, now_ns),
	FIELD(state, "bypass_since_ns", NUMBER, since_ns),
	FIELD(state, "bypass_total_ns", NUMBER, total_ns),
	FIELD(state, "episodes", NUMBER, episodes),
	FIELD(state, "readers", NUMBER, readers),
	FIELD(state, "kthreads", NUMBER, kthreads),
	FIELD(state, "expedited", NUMBER, expedited),
	FIELD(state, "bypass_lb_intv_us", NUMBER, intv_us),
	FIELD(state, "slice_bypass_us", NUMBER, slice_us),
	FIELD(state, "readers_first", FLAG, readers_first),
	FIELD(state, "kthreads_first", FLAG, kthreads_first),
	FIELD(state, "expedite_rcu", FLAG, expedite_rcu),
	END
};

static const struct field node_fields[] = {
	FIELD(node_state, "passes", NUMBER, passes),
	FIELD(node_state, "moved", NUMBER, moved),
	FIELD(node_state, "delivered", NUMBER, delivered),
	FIELD(node_state, "helped", NUMBER, helped),
	FIELD(node_state, "unserved", NUMBER, unserved),
	FIELD(node_state, "hold_max_ns", NUMBER, hold_max_ns),
	FIELD(node_state, "last_pass_ns", NUMBER, last_pass_ns),
	FIELD(node_state, "last_pass_cpu", SIGNED, last_pass_cpu),
	END
};

static const struct field episode_fields[] = {
	FIELD(episode, "episode", NUMBER, number),
	FIELD(episode, "begin_ns", NUMBER, begin_ns),
	FIELD(episode, "begin_real_ns", NUMBER, begin_real_ns),
	FIELD(episode, "lasted_ns", NUMBER, lasted_ns),
	FIELD(episode, "entered_pid", NUMBER, entered_pid),
	FIELD(episode, "entered_task", TEXT, entered_task),
	FIELD(episode, "left_pid", NUMBER, left_pid),
	FIELD(episode, "left_task", TEXT, left_task),
	FIELD(episode, "cpus", NUMBER, cpus),
	FIELD(episode, "queued_max", NUMBER, queued_max),
	FIELD(episode, "longest_queue", NUMBER, longest_queue),
	FIELD(episode, "longest_before", NUMBER, longest_before),
	FIELD(episode, "longest_after", NUMBER, longest_after),
	FIELD(episode, "longest_wait_ms", NUMBER, longest_wait_ms),
	FIELD(episode, "passes", NUMBER, passes),
	FIELD(episode, "moved", NUMBER, moved),
	FIELD(episode, "delivered", NUMBER, delivered),
	FIELD(episode, "helped", NUMBER, helped),
	FIELD(episode, "unserved", NUMBER, unserved),
	END
};

/* Store a value where its key's field is. Keys that are not known are left out. */
static void store(void *to, const struct field *f, const char *key, const char *value)
{
	while (f->key && strcmp(f->key, key))
		f++;
	if (!f->key)
		return;
	to = (char *)to + f->offset;
	switch (f->kind) {
	case NUMBER:
		*(u64 *)to = strtoull(value, NULL, 10);
		break;
	case SIGNED:
		*(long long *)to = strtoll(value, NULL, 10);
		break;
	case FLAG:
		*(bool *)to = *value == 'Y';
		break;
	case TEXT:
		snprintf(to, f->size, "%s", value);
		text_clean(to);
		break;
	}
}

/* Make room for one more entry; no memory is the end of the program. */
static void *grow(void *array, int nr, size_t size)
{
	array = realloc(array, (nr + 1) * size);
	if (!array) {
		fputs("There is not enough memory.\n", stderr);
		exit(EXIT_ERROR);
	}
	memset((char *)array + nr * size, 0, size);
	return array;
}

static void take_node(struct state *s, int nr, const char *key, const char *value)
{
	if (!s->nr_nodes || s->nodes[s->nr_nodes - 1].nr != nr) {
		s->nodes = grow(s->nodes, s->nr_nodes, sizeof(*s->nodes));
		s->nodes[s->nr_nodes++].nr = nr;
	}
	store(&s->nodes[s->nr_nodes - 1], node_fields, key, value);
}

static void take_cpu(struct state *s, int nr, const char *key, const char *value)
{
	struct cpu_state *cpu;

	if (!s->nr_cpus || s->cpus[s->nr_cpus - 1].nr != nr) {
		s->cpus = grow(s->cpus, s->nr_cpus, sizeof(*s->cpus));
		s->cpus[s->nr_cpus++].nr = nr;
	}
	cpu = &s->cpus[s->nr_cpus - 1];
	if (!strcmp(key, "node"))
		cpu->node = atoi(value);
	else if (!strcmp(key, "queued"))
		cpu->queued = atoi(value);
	else if (!strcmp(key, "urgent"))
		cpu->urgent = atoi(value);
}

static void sum_up(struct state *s)
{
	int i, n;

	for (i = 0; i < s->nr_cpus; i++) {
		const struct cpu_state *cpu = &s->cpus[i];
		unsigned int nr = cpu->queued + cpu->urgent;

		s->queued += nr;
		s->longest = nr > s->longest ? nr : s->longest;
		for (n = 0; n < s->nr_nodes; n++) {
			struct node_state *node = &s->nodes[n];

			if (node->nr != cpu->node)
				continue;
			if (!node->nr_cpus++ || nr > node->longest) {
				node->longest = nr;
				node->longest_cpu = cpu->nr;
			}
			node->queued += nr;
		}
	}
}

/* Read the status file; state_free() it. Returns an enum exit_status. */
int state_read(struct state *s)
{
	char *text, *rest, *line, *value, *name;
	int status, nr;

	memset(s, 0, sizeof(*s));
	text = state_read_file("status", &status);
	if (!text)
		return status;
	for (rest = text; (line = files_next_line(&rest));) {
		if (!state_split(line, &value))
			continue;
		name = strchr(line, '_');
		if (sscanf(line, "cpu%d", &nr) == 1 && name)
			take_cpu(s, nr, name + 1, value);
		else if (sscanf(line, "node%d", &nr) == 1 && name)
			take_node(s, nr, name + 1, value);
		else if (!strcmp(line, "hooks"))
			s->active = !strcmp(value, "active");
		else if (!strcmp(line, "proven"))
			s->proven = !strcmp(value, "yes");
		else if (!strcmp(line, "bypass"))
			s->bypass = !strcmp(value, "on");
		else
			store(s, state_fields, line, value);
	}
	free(text);
	sum_up(s);
	return EXIT_FINE;
}

void state_free(struct state *s)
{
	free(s->nodes);
	free(s->cpus);
}

/* Can the status file be read? Returns an enum exit_status. */
int state_check(void)
{
	struct state s;
	int status = state_read(&s);

	if (!status)
		state_free(&s);
	return status;
}

/* Read the record, the oldest episode first; to be freed. Returns an enum exit_status. */
int state_read_history(struct episode **episodes, int *nr)
{
	char *text, *rest, *line, *value;
	int status;

	*episodes = NULL;
	*nr = 0;
	text = state_read_file("history", &status);
	if (!text)
		return status;
	for (rest = text; (line = files_next_line(&rest));) {
		if (!state_split(line, &value))
			continue;
		if (!strcmp(line, "episode")) {
			*episodes = grow(*episodes, *nr, sizeof(**episodes));
			(*nr)++;
		}
		if (*nr)
			store(&(*episodes)[*nr - 1], episode_fields, line, value);
	}
	free(text);
	return EXIT_FINE;
}
