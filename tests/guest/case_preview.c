// SPDX-License-Identifier: GPL-2.0-only
/* preview: what check=1 says is what loading then does; it changes nothing. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "lab.h"

#define ENABLED	TRACEFS "enabled_functions"

static char before[1 << 16], after[1 << 16];

static void read_hooked(char *buf, size_t size)
{
	if (!read_file(ENABLED, buf, size))
		give_up("cannot read " ENABLED);
}

static bool is_untouched(void)
{
	read_hooked(after, sizeof(after));
	return !strcmp(before, after) && !exists("/sys/kernel/livepatch/" MODULE) &&
	       !exists("/sys/kernel/debug/" MODULE) && !exists("/sys/module/" MODULE);
}

/* Returns what check=1 says: 0 for yes, -errno for no. */
static int ask(const char *params)
{
	char all[128];
	int ret;

	clear_kernel_log();
	read_hooked(before, sizeof(before));
	snprintf(all, sizeof(all), "%s check=1", params);
	ret = load_under_test(all);
	if (!ret)
		give_up("%s: the module was loaded", all);
	check(kernel_log_has("would load: ") == (ret == -ECANCELED) &&
	      kernel_log_has("would not load (error ") == (ret != -ECANCELED),
	      "%s: insmod says '%s', the log agrees", all, strerror(-ret));
	check(is_untouched(), "%s: nothing is left", all);
	return ret == -ECANCELED ? 0 : ret;
}

/* It must agree with what loading does, the backend too. */
void preview_must_agree(const char *when, const char *params)
{
	static const char * const backends[] = { "direct", "ftrace", "livepatch" };
	char line[64];
	int asked = ask(params), ret, i;
	bool named = false;

	for (i = 0; i < 3 && !named; i++) {
		snprintf(line, sizeof(line), "would load: backend %s, kernel 6.", backends[i]);
		named = kernel_log_has(line);
	}
	ret = load_under_test(params);
	check(ret == asked, "%s, '%s': check=1 says %s, loading %s", when, params,
	      strerror(-asked), strerror(-ret));
	if (ret)
		return;
	hooks_must_become_active();
	check(named && backend_is(backends[i - 1]), "the backend is the one that was named, %s",
	      backends[i - 1]);
	module_unload();
}

/* A BPF program at the entry of a hooked function has the one direct call there. */
static struct bpf_link *attach_program(struct bpf_object **object)
{
	struct bpf_link *link;

	*object = must_load_bpf("/probe.bpf.o");
	link = bpf_program__attach(bpf_object__next_program(*object, NULL));
	if (!link)
		give_up("cannot attach a BPF probe: %s", strerror(errno));
	return link;
}

/* Each way to ask for a backend. */
void preview_backends(const char *when)
{
	static const char * const params[] = {
		"", "backend=auto", "backend=direct", "backend=ftrace", "backend=livepatch",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(params); i++)
		preview_must_agree(when, params[i]);
}

static void case_preview(bool module)
{
	struct bpf_object *object;
	struct bpf_link *link;

	preview_backends("nobody else is there");
	check(ask("backend=kprobe") == -EINVAL && load_under_test("backend=kprobe") == -EINVAL,
	      "there is no backend of that name");

	must_load("scx_bypass_rival", "");
	preview_backends("a function is redirected");
	must_unload("scx_bypass_rival");

	link = attach_program(&object);
	preview_backends("a BPF program is there");
	bpf_link__destroy(link);
	bpf_object__close(object);

	must_write("/proc/sys/kernel/ftrace_enabled", "0");
	preview_backends("ftrace is off");
	must_write("/proc/sys/kernel/ftrace_enabled", "1");

	check(ask("disable=1") == -EPERM, "disable=1 is a no, too");
	check(load_under_test("disable=1") == -ECANCELED, "and does not load");
	preview_must_agree("at the end", "");
}

CASE(preview) = {
	.shows = "what check=1 says is what loading then does; it changes nothing",
};
