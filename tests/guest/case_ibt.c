// SPDX-License-Identifier: GPL-2.0-only
/*
 * ibt: on a CPU with IBT the kernel would crash if a function that has a BPF program at its exit
 * were redirected, or restored. The emulated CPUs have no IBT, but the module takes them for such.
 */
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "lab.h"

#define IBT	"scx_bypass_ibt"
#define TASKS	20
#define WAITS	"unload waits for a BPF program to be detached"

static struct bpf_object *object;
static struct bpf_link *link_at_exit;

static void attach_at_exit(void)
{
	struct bpf_program *prog;

	object = must_load_bpf("/probe.bpf.o");
	prog = bpf_object__find_program_by_name(object, "enqueue_left");
	link_at_exit = bpf_program__attach(prog);
	if (!link_at_exit)
		give_up("cannot attach a BPF program: %s", strerror(errno));
}

static void detach_at_exit(void)
{
	bpf_link__destroy(link_at_exit);
	bpf_object__close(object);
}

static void load_is_refused(void)
{
	int ret;

	attach_at_exit();
	ret = load_under_test("");
	check(ret == -EBUSY, "a BPF program is attached: insmod says %s", strerror(-ret));
	check(kernel_log_has("this CPU has IBT: the kernel may crash"), "and the module why");
	check(!exists("/sys/module/" MODULE), "nothing is left");
	detach_at_exit();
}

static void unload_waits(void)
{
	pid_t pid;
	int status;

	if (!*target_params && !backend_would_load("ftrace")) {
		skip("unload waits", "the module refuses backend=ftrace in this kernel");
		return;
	}
	/* a direct call would leave no room for the program */
	module_load(*target_params ? "" : "backend=ftrace");
	attach_at_exit();
	pid = start_child("unload");
	if (!pid) {
		/* it would stay attached */
		close(bpf_link__fd(link_at_exit));
		_exit(unload_module(MODULE) ? 1 : 0);
	}
	check(wait_for(is_in_kernel_log, WAITS, 120), "unload waits, and says so");
	check(all_progress(120), "all tasks run");
	check(!waitpid(pid, NULL, WNOHANG), "it still waits");
	detach_at_exit();
	check(waitpid(pid, &status, 0) == pid && !status, "it ends when the program is gone");
	check(!exists("/sys/module/" MODULE), "the module is gone");
}

/* On a kernel that does not know IBT. */
static void is_not_refused(void)
{
	int ret;

	attach_at_exit();
	if (backend_would_load("auto")) {
		ret = load_under_test("");
		check(!ret, "no IBT: it loads beside a BPF program (%s)", strerror(-ret));
		hooks_must_become_active();
		module_unload();
	} else {
		skip("no IBT", "the module refuses to load beside a BPF program in this kernel");
	}
	detach_at_exit();
}

static void case_ibt(bool unused)
{
	int ret = load_module("/" IBT ".ko", "");

	if (ret == -ENODEV) {
		is_not_refused();
		return;
	}
	if (ret)
		give_up("loading " IBT ": %s", strerror(-ret));
	must_attach(SCHED_PILE);
	spawn(TASKS, 0, NULL);
	must_progress(120, "under the scheduler");
	load_is_refused();
	unload_waits();
	module_load("");
	check(all_progress(120), "without such a program it loads");
	module_unload();
	kill_tasks();
	sched_must_go();
	must_unload(IBT);
}

CASE(ibt) = {
	.shows =
		"on CPUs with IBT: loading beside a BPF program on a hooked function is refused, and unload waits for it to be detached",
	.machines = "single",
};
