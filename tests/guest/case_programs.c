// SPDX-License-Identifier: GPL-2.0-only
/*
 * programs: BPF programs are attached to a hooked function after the module was loaded, one where
 * it is entered and then one where it is left. In older kernels that undoes a redirection by ftrace
 * or livepatch: tasks would be queued by the hooks, and never picked. So there the module must not
 * use these, whether it is asked to or falls back.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include <bpf/libbpf.h>

#include "lab.h"

#define TASKS	40
/* of the guest; less than 1 is usual. Where no task is picked it takes 28, by chance */
#define SECONDS	15
#define NR_PROGRAMS	2

static struct bpf_object *object;
static struct bpf_link *links[NR_PROGRAMS];

/* Returns 0, or -errno of the first that could not be attached. */
static int attach_programs(void)
{
	struct bpf_program *prog;
	int i = 0, ret = 0;

	object = must_load_bpf("/consume.bpf.o");
	bpf_object__for_each_program(prog, object) {
		links[i] = bpf_program__attach(prog);
		if (!links[i] && !ret)
			ret = -errno;
		i++;
	}
	return ret;
}

static void detach_programs(void)
{
	int i;

	for (i = 0; i < NR_PROGRAMS; i++) {
		bpf_link__destroy(links[i]);
		links[i] = NULL;
	}
	bpf_object__close(object);
}

static void bypass_works(const char *when)
{
	check_bypass(when, SECONDS);
}

/* Only where programs undo a redirection: from 6.18 on no kernel lets them. */
static bool is_refused(int ret)
{
	struct utsname kernel;
	int major, minor;

	if (uname(&kernel) || sscanf(kernel.release, "%d.%d", &major, &minor) != 2)
		give_up("uname");
	return major == 6 && minor < 18 && ret == -EOPNOTSUPP &&
	       kernel_log_has("may not be safe in this kernel");
}

/* They have the place of the direct calls. Then they go, and come again. */
static void programs_come_first(void)
{
	int ret;

	check(!attach_programs(), "programs are attached");
	ret = load_under_test("");
	check(!ret || is_refused(ret), "beside programs: loaded, or refused (%s)", strerror(-ret));
	if (ret) {
		detach_programs();
		return;
	}
	hooks_must_become_active();
	bypass_works("beside programs");
	detach_programs();
	bypass_works("without programs");
	check(!attach_programs(), "they are attached again");
	bypass_works("beside programs again");
	detach_programs();
	module_unload();
}

static void programs_come_later(const char *backend)
{
	char params[32];
	int ret;

	snprintf(params, sizeof(params), "backend=%s", backend);
	clear_kernel_log();
	ret = load_under_test(params);
	if (ret) {
		check(is_refused(ret), "%s: refused, and the log says why (%s)", params,
		      strerror(-ret));
		return;
	}
	hooks_must_become_active();
	bypass_works(params);
	ret = attach_programs();
	if (!strcmp(backend, "direct"))
		check(ret == -EBUSY, "%s: no program can be attached (%s)", params, strerror(-ret));
	else
		check(!ret, "%s: programs are attached (%s)", params, strerror(-ret));
	bypass_works("with programs");
	detach_programs();
	bypass_works("without programs");
	module_unload();
}

static void case_programs(bool module)
{
	load_test_module();
	must_attach(SCHED_GLOBAL);
	spawn(TASKS, 0, NULL);
	must_progress(120, "under the scheduler");
	if (module) {
		programs_come_first();
		programs_come_later("direct");
		programs_come_later("ftrace");
		programs_come_later("livepatch");
	} else {
		check(!attach_programs(), "programs are attached");
		bypass_works("with programs");
		detach_programs();
		bypass_works("without programs");
	}
	kill_tasks();
	sched_must_go();
}

CASE(programs) = {
	.shows =
		"BPF programs are attached to a hooked function after the module was loaded: all tasks run, or the module has refused",
	.variants = "control module",
	.machines = "single",
	.targets = "named",
};
