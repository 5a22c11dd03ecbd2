// SPDX-License-Identifier: GPL-2.0-only
/*
 * conflicts: other users of the hooked functions. A tracer goes on to see every
 * call. A second redirection is noticed, whether it comes before the module or after.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "lab.h"

#define TASKS		40
#define RIVAL		"scx_bypass_rival"
#define PATCH		"scx_bypass_patch"
#define FTRACE_ENABLED	"/proc/sys/kernel/ftrace_enabled"

static const char *bypass_function;

/* Someone traces all hooked functions, by every means. */
static struct bpf_object *bpf_probes;
static struct bpf_link *bpf_links[2];

/*
 * BPF programs at a function's entry and exit are direct calls, of which it can
 * have one. @refused: the module has it.
 */
static void attach_bpf(struct bpf_program *prog, struct bpf_link **link, bool refused)
{
	*link = bpf_program__attach(prog);
	if (refused)
		check(!*link && errno == EBUSY, "%s cannot be attached: %s",
		      bpf_program__name(prog), strerror(errno));
	else if (!*link)
		give_up("cannot attach %s: %s", bpf_program__name(prog), strerror(errno));
}

static void trace_hooked(void)
{
	bool refused = exists(STATUS) && backend_is("direct");
	struct bpf_program *prog;
	char probes[512];
	size_t i = 0;

	snprintf(probes, sizeof(probes),
		 "p:enq dispatch_enqueue\nr:enq_ret dispatch_enqueue\n"
		 "p:con consume_dispatch_q\nr:con_ret consume_dispatch_q\n"
		 "p:rcu synchronize_rcu\nr:rcu_ret synchronize_rcu\n"
		 "p:byp %s\nr:byp_ret %s\n", bypass_function, bypass_function);
	set_probes(probes);

	bpf_probes = must_load_bpf("/probe.bpf.o");
	bpf_object__for_each_program(prog, bpf_probes)
		attach_bpf(prog, &bpf_links[i++], refused);
}

static void untrace_hooked(void)
{
	size_t i;

	/* closing the object alone leaves its programs attached */
	for (i = 0; i < ARRAY_SIZE(bpf_links); i++)
		bpf_link__destroy(bpf_links[i]);
	bpf_object__close(bpf_probes);
	set_probes("");
}

static void read_bpf_counts(unsigned long long counts[2])
{
	const int key = 0;

	if (bpf_map__lookup_elem(bpf_object__find_map_by_name(bpf_probes, ".bss"), &key,
				 sizeof(key), counts, 2 * sizeof(*counts), 0))
		give_up("cannot read the counts of the BPF probes");
}

static void check_tracing(const char *when)
{
	static const char * const names[] = { "enq", "enq_ret", "con", "con_ret",
					      "rcu", "rcu_ret", "byp", "byp_ret" };
	unsigned long long bpf_before[2], bpf_after[2];
	unsigned long before[ARRAY_SIZE(names)], now[ARRAY_SIZE(names)];
	bool all = true;
	size_t i;

	read_bpf_counts(bpf_before);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		before[i] = probe_hits(names[i]);
	check_bypass(when, 120);
	wait_for_grace_period();
	read_bpf_counts(bpf_after);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		now[i] = probe_hits(names[i]);
		all &= now[i] > before[i];
	}
	info("%s: enqueues seen by kprobe %lu, kretprobe %lu, fentry %llu, fexit %llu", when,
	     now[0] - before[0], now[1] - before[1],
	     bpf_after[0] - bpf_before[0], bpf_after[1] - bpf_before[1]);
	check(all, "%s: kprobes and kretprobes of all hooked functions see their calls", when);
	if (bpf_links[0])
		check(bpf_after[0] > bpf_before[0] && bpf_after[1] > bpf_before[1],
		      "%s: fentry and fexit programs see the calls", when);
}

static void with_tracing(void)
{
	trace_hooked();
	check_tracing("traced");
	if (backend_would_load("auto")) {
		module_load("");
		check(kernel_log_has("dispatch_enqueue is being traced: tracing continues"),
		      "traced: the module says so");
		check(!backend_is("direct"), "traced: the direct call stays the BPF program's");
		check_tracing("traced, then loaded");
		module_unload();
		check_tracing("traced, then unloaded");
	} else {
		skip("traced, then loaded", "the module refuses that in this kernel");
	}
	untrace_hooked();

	module_load("");
	trace_hooked();
	check_tracing("loaded, then traced");
	untrace_hooked();
	check(all_progress(120), "no longer traced: all tasks run");
	module_unload();
}

/* Says when the status file is there, and could be opened. */
static pid_t wait_for_status(bool *seen)
{
	pid_t pid = start_child("status");

	if (pid)
		return pid;
	while (!exists(STATUS))
		;
	*seen = true;
	for (;;)
		pause();
}

/*
 * Somebody else redirects a hooked function: the module must not load. Nobody may be able to open
 * a file of it meanwhile: the kernel would use the module when the file is closed.
 */
static void check_refused(const char *who)
{
	bool *seen = map_shared(sizeof(*seen));
	pid_t pid = wait_for_status(seen);
	int ret = load_under_test("");

	end_children(&pid, 1);
	check(!*seen, "%s: there was no status file", who);
	check(ret == -EBUSY, "%s: insmod says %s", who, strerror(-ret));
	check(kernel_log_has("is already redirected by another user"), "%s: the module says so",
	      who);
	check(!exists("/sys/module/" MODULE), "%s: nothing is left", who);
	clear_kernel_log();
}

static void after_rival(const char *who, const char *params)
{
	must_load(RIVAL, params);
	check_refused(who);
	must_unload(RIVAL);
}

static bool patch_is_done(void *unused)
{
	char buf[8];

	return read_file("/sys/kernel/livepatch/" PATCH "/transition", buf, sizeof(buf)) &&
	       *buf == '0';
}

static void wait_for_patch(void)
{
	if (!wait_for(patch_is_done, NULL, 120))
		give_up("the rival livepatch does not end its transition");
}

static bool is_unloaded(void *name)
{
	return !unload_module(name);
}

/* The core puts the module of a livepatch that has ended a moment later. */
static void unload_when_put(char *name)
{
	if (!wait_for(is_unloaded, name, 60))
		give_up("%s cannot be unloaded", name);
}

static bool patch_is_gone(void *unused)
{
	return !exists("/sys/kernel/livepatch/" PATCH);
}

static void unload_patch(void)
{
	must_write("/sys/kernel/livepatch/" PATCH "/enabled", "0");
	if (!wait_for(patch_is_gone, NULL, 120))
		give_up("the rival livepatch stays");
	unload_when_put(PATCH);
}

static const char *function_param(void)
{
	static char param[64];

	snprintf(param, sizeof(param), "function=%s", bypass_function);
	return param;
}

static void before_livepatch(void)
{
	must_load(PATCH, function_param());
	wait_for_patch();
	check_refused("livepatched");
	unload_patch();
}

static void enter(void)
{
	module_load("");
	hold_bypass(true);
	check(queues_hold(TASKS / 2), "a rival comes when the bypass DSQs are full");
}

static void leave_bypass(const char *when)
{
	hold_bypass(false);
	check(all_progress(120), "%s: all tasks run after bypass", when);
}

static bool hooks_are_inactive(void *unused)
{
	return !hooks_are_active(NULL);
}

static bool queues_are_empty(void *unused)
{
	return !total_queued();
}

/*
 * A livepatch is loaded in bypass. With the hooks inactive, bypass is what it
 * is without the module: what runs on one CPU may starve there, the kworkers
 * that a livepatch transition needs for example. So do not stay.
 */
static void load_patch_in_bypass(const char *when, const char *params)
{
	pid_t pid;

	enter();
	pid = start_child("load-patch");
	if (!pid) {
		must_load(PATCH, params);
		_exit(0);
	}
	check(wait_for(hooks_are_inactive, NULL, 60), "%s: first the hooks become inactive", when);
	check(wait_for(queues_are_empty, NULL, 60), "%s: and the bypass DSQs empty", when);
	check(all_progress(120), "%s: no task is lost", when);
	leave_bypass(when);
	waitpid(pid, NULL, 0);
	wait_for_patch();
}

static void livepatch_comes_later(void)
{
	load_patch_in_bypass("livepatched later", function_param());
	check(hooks_are_inactive(NULL) && kernel_log_has("patches a hooked function"),
	      "livepatched later: the hooks stay inactive, and the module says why");
	unload_patch();
	check(wait_for(hooks_are_active, NULL, 120), "its end: the hooks are active again");
	module_unload();

	load_patch_in_bypass("a harmless livepatch", "");
	check(wait_for(hooks_are_active, NULL, 120), "a harmless livepatch: then active again");
	module_unload();
	unload_patch();

	load_patch_in_bypass("replaced", "replace=1");
	check(hooks_are_inactive(NULL) && kernel_log_has("replaces all others"),
	      "replaced: the hooks stay inactive, and the module says why");
	unload_when_put(MODULE);
	check(all_progress(120), "replaced: the module can be unloaded");
	enter();
	check(all_progress(120), "and loaded again, on top");
	leave_bypass("loaded again");
	module_unload();
	unload_patch();
}

/* ftrace has room for one redirection only, and the module was first. */
static void livepatch_is_refused_later(void)
{
	char path[] = "/" PATCH ".ko";
	int ret;

	enter();
	ret = load_module(path, function_param());
	check(ret == -EBUSY, "livepatched later: that is refused (%s)", strerror(-ret));
	check(hooks_are_active(NULL) && all_progress(120), "and the hooks stay active");
	leave_bypass("not livepatched");
	module_unload();
}

/* Where it must be a direct call, and a BPF program has that. */
static void direct_is_refused(void)
{
	int ret;

	trace_hooked();
	ret = load_under_test("backend=direct");
	check(ret == -EBUSY, "traced by BPF: backend=direct says %s", strerror(-ret));
	check(!exists("/sys/module/" MODULE), "traced by BPF: nothing is left");
	check_tracing("a direct call refused");
	untrace_hooked();
}

static void without_ftrace(void)
{
	int ret;

	must_write(FTRACE_ENABLED, "0");
	ret = load_under_test("");
	check(ret == -EOPNOTSUPP, "ftrace switched off: insmod says %s", strerror(-ret));
	check(kernel_log_has("ftrace is switched off"), "ftrace switched off: the module says so");
	must_write(FTRACE_ENABLED, "1");
	module_load("");
	ret = write_file(FTRACE_ENABLED, "0");
	check(ret == -EBUSY, "while the module is loaded it cannot be switched off (%s)",
	      strerror(-ret));
	module_unload();
}

static void case_conflicts(bool module)
{
	bypass_function = file_has("/proc/kallsyms", " scx_bypass\n") ?
			   "scx_bypass" : "scx_ops_bypass";
	load_test_module();
	without_ftrace();
	after_rival("an IPMODIFY user of ftrace", "by=ipmodify");
	after_rival("a kprobe with a post handler", "by=probe");
	/* no task is in the way of its transition yet, which 6.12 is slow with */
	if (exists("/" PATCH ".ko"))
		before_livepatch();

	must_attach(SCHED_PILE);
	spawn(TASKS, 0, NULL);
	must_progress(120, "under the scheduler");
	with_tracing();
	direct_is_refused();

	if (exists("/" PATCH ".ko")) {
		bool livepatch;

		module_load("");
		livepatch = backend_is("livepatch");
		module_unload();
		if (livepatch)
			livepatch_comes_later();
		else
			livepatch_is_refused_later();
	}
	kill_tasks();
	sched_must_go();
}

CASE(conflicts) = {
	.shows = "others trace the hooked functions, or redirect them, before and after",
	.machines = "single",
};
