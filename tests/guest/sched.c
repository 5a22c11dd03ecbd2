// SPDX-License-Identifier: GPL-2.0-only
/* Attach and detach the BPF schedulers of tests/bpf, and load its other programs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "lab.h"
#include "../bpf/pile.h"

static const char * const names[] = {
	[SCHED_PILE] = "pile_ops",
	[SCHED_WATCHED] = "watched_ops",
	[SCHED_GLOBAL] = "global_ops",
	[SCHED_PARTIAL] = "partial_ops",
	[SCHED_GLOBAL_PARTIAL] = "global_partial_ops",
	[SCHED_BRIEF] = "brief_ops",
	[SCHED_LINGERING] = "lingering_ops",
};

static struct bpf_object *object, *next;
/* which of its schedulers has been loaded */
static const char *loaded;
static struct bpf_link *sched_link;
static struct bpf_map *control_map;
static struct pile_control control;

static int print_warnings(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, fmt, args) : 0;
}

static void write_control(void)
{
	const int key = 0;

	if (bpf_map__update_elem(control_map, &key, sizeof(key), &control, sizeof(control), 0))
		give_up("cannot write the scheduler's control block");
}

/* For programs that trace. They are not attached. */
struct bpf_object *must_load_bpf(const char *path)
{
	struct bpf_object *opened = bpf_object__open_file(path, NULL);

	if (!opened || bpf_object__load(opened))
		give_up("cannot load the BPF programs of %s", path);
	return opened;
}

/* Loads just the one scheduler of this name. */
static struct bpf_object *open_object(const char *name)
{
	struct bpf_object *opened;
	struct bpf_map *map;

	libbpf_set_print(print_warnings);
	opened = bpf_object__open_file("/pile.bpf.o", NULL);
	if (!opened)
		give_up("cannot open the BPF object");

	bpf_object__for_each_map(map, opened)
		if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS)
			bpf_map__set_autocreate(map, !strcmp(bpf_map__name(map), name));
	if (bpf_object__load(opened))
		give_up("cannot load the BPF object");
	return opened;
}

/* To load them takes the guest seconds, to attach them again does not. */
static void load_object(const char *name)
{
	if (object && loaded == name)
		return;
	bpf_object__close(object);
	object = open_object(name);
	control_map = bpf_object__find_map_by_name(object, ".bss");
	loaded = name;
}

/* Returns 0 or -errno. */
int sched_attach(const struct sched_opts *opts)
{
	const char *name = names[opts->which];

	load_object(name);
	control = (struct pile_control){
		.cpus_per_node = opts->cpus_per_pile ?: (unsigned int)CPUS_PER_NODE,
		.pile_offset = opts->pile_offset,
		.fail_init_at = opts->fail_init_at,
		.brief = opts->brief,
	};
	write_control();

	sched_link = bpf_map__attach_struct_ops(bpf_object__find_map_by_name(object, name));
	return sched_link ? 0 : -errno;
}

/* Load "brief" beside the one that is attached, if any. */
void sched_load_next(void)
{
	if (!next)
		next = open_object(names[SCHED_BRIEF]);
}

/* Attach it. Returns 0 or -errno. */
int sched_attach_next(void)
{
	struct bpf_map *map = bpf_object__find_map_by_name(next, names[SCHED_BRIEF]);

	sched_link = bpf_map__attach_struct_ops(map);
	return sched_link ? 0 : -errno;
}

void must_attach_with(const struct sched_opts *opts)
{
	int ret = sched_attach(opts);

	if (ret)
		give_up("attaching the scheduler: %s", strerror(-ret));
}

void must_attach(enum scheduler which)
{
	must_attach_with(&(struct sched_opts){ .which = which, .brief = true });
}

/* A child that inherits the link keeps the scheduler loaded. */
void sched_close_in_child(void)
{
	if (sched_link)
		close(bpf_link__fd(sched_link));
}

void sched_detach(void)
{
	if (sched_link)
		bpf_link__destroy(sched_link);
	sched_link = NULL;
}

/* Remove the scheduler by SysRq-S. */
void sched_press_sysrq(void)
{
	must_write("/proc/sysrq-trigger", "S");
}

/* Attach a scheduler that fails at task number @at. */
void sched_must_fail_enable(int at)
{
	int ret = sched_attach(&(struct sched_opts){ SCHED_PILE, .fail_init_at = at });

	if (!ret) {
		/* an error while enabling may be told through the disable path */
		check(wait_for(sched_is_off, NULL, 60), "a failed enable: it does not stay");
		sched_detach();
	}
	info("a failed enable: attach says %s", ret ? strerror(-ret) : "nothing");
	check(kernel_log_has("ops.init_task() failed"), "a failed enable: the kernel says why");
}

void sched_raise_error(void)
{
	control.raise_error = 1;
	write_control();
}

void sched_stall(void)
{
	control.stall = 1;
	write_control();
}

/* Stay in the last callback, or leave it. */
void sched_linger(bool on)
{
	control.linger = on;
	write_control();
}

bool sched_lingers(void *unused)
{
	struct pile_control read = { };
	const int key = 0;

	return !bpf_map__lookup_elem(control_map, &key, sizeof(key), &read, sizeof(read), 0) &&
	       read.lingers;
}

bool sched_is_off(void *unused)
{
	char state[32];

	if (!read_file("/sys/kernel/sched_ext/state", state, sizeof(state)))
		give_up("this kernel has no sched_ext");
	return !strcmp(state, "disabled\n");
}

/* Unregister the scheduler. */
void sched_must_go(void)
{
	sched_detach();
	check(wait_for(sched_is_off, NULL, 300), "the scheduler goes");
}
