// SPDX-License-Identifier: GPL-2.0-only
/* Attach and detach the BPF schedulers of tests/bpf. */
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
	[SCHED_BRIEF] = "brief_ops",
};

static struct bpf_object *object, *old_object;
static struct bpf_link *sched_link;
static struct bpf_map *control_map, *ops_map;
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

/* Nothing is done to the kernel but loading programs. */
static void load(const struct sched_opts *opts)
{
	const char *name = names[opts->which];
	struct bpf_map *map;

	libbpf_set_print(print_warnings);
	object = bpf_object__open_file("/pile.bpf.o", NULL);
	if (!object)
		give_up("cannot open the BPF object");

	bpf_object__for_each_map(map, object)
		if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS)
			bpf_map__set_autocreate(map, !strcmp(bpf_map__name(map), name));
	control_map = bpf_object__find_map_by_name(object, ".bss");
	if (bpf_object__load(object))
		give_up("cannot load the BPF object");
	control = (struct pile_control){
		.cpus_per_node = opts->cpus_per_pile ?: CPUS_PER_NODE,
		.fail_init_at = opts->fail_init_at,
	};
	write_control();
	ops_map = bpf_object__find_map_by_name(object, name);
}

/* Returns 0 or -errno. */
static int attach(void)
{
	int err;

	sched_link = bpf_map__attach_struct_ops(ops_map);
	err = -errno;
	if (!sched_link) {
		sched_detach();
		return err;
	}
	return 0;
}

/* Returns 0 or -errno. */
int sched_attach(const struct sched_opts *opts)
{
	load(opts);
	return attach();
}

/* Load a scheduler beside the one that is attached, if any, for sched_attach_next(). */
void sched_load_next(const struct sched_opts *opts)
{
	old_object = object;
	load(opts);
}

/* Detach what is attached. */
void sched_detach_old(void)
{
	if (sched_link)
		bpf_link__destroy(sched_link);
	sched_link = NULL;
}

/* Attach what sched_load_next() has loaded. Returns 0 or -errno. */
int sched_attach_next(void)
{
	int ret = attach();

	bpf_object__close(old_object);
	old_object = NULL;
	return ret;
}

void must_attach(enum scheduler which)
{
	int ret = sched_attach(&(struct sched_opts){ .which = which });

	if (ret)
		give_up("attaching the scheduler: %s", strerror(-ret));
}

/* A child that inherits the link keeps the scheduler loaded. */
void sched_close_in_child(void)
{
	if (sched_link)
		close(bpf_link__fd(sched_link));
}

void sched_detach(void)
{
	sched_detach_old();
	bpf_object__close(object);
	object = NULL;
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
	check(wait_for(sched_is_off, NULL, 60), "the scheduler goes");
}
