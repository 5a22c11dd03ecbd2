// SPDX-License-Identifier: GPL-2.0-only
/* What the bench looks at in the kernel, the same on every kernel. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bench.h"

char _license[] SEC("license") = "GPL";

struct bench_figures figures;

/* since when a task has been waiting for a CPU, 0 = it is not */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BENCH_PIDS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, u32);
	__type(value, u64);
} waiting SEC(".maps");

static __always_inline u64 *waiting_since(const struct task_struct *p)
{
	u32 key = p->pid & (BENCH_PIDS - 1);

	return bpf_map_lookup_elem(&waiting, &key);
}

static __always_inline void begins_to_wait(const struct task_struct *p)
{
	u64 *since = waiting_since(p);

	if (since && p->pid && !*since)
		*since = bpf_ktime_get_ns();
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(bench_wakeup, struct task_struct *p)
{
	begins_to_wait(p);
	return 0;
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(bench_wakeup_new, struct task_struct *p)
{
	begins_to_wait(p);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(bench_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	u64 *since = waiting_since(next);
	u64 waited;

	if (since && *since && next->pid) {
		if (figures.armed_ns) {
			waited = bpf_ktime_get_ns() -
				 (*since > figures.armed_ns ? *since : figures.armed_ns);
			if (waited > figures.wait_max_ns)
				figures.wait_max_ns = waited;
		}
		*since = 0;
	}
	if (preempt || !prev->__state)
		begins_to_wait(prev);
	return 0;
}

SEC("fentry/scx_bypass")
int BPF_PROG(bench_bypass_entered)
{
	if (figures.armed_ns && !figures.bypass_begin_ns) {
		figures.bypass_begin_ns = bpf_ktime_get_ns();
		figures.worker = bpf_get_current_pid_tgid();
	}
	return 0;
}

SEC("fexit/scx_bypass")
int BPF_PROG(bench_bypass_left)
{
	if (figures.armed_ns)
		figures.bypass_end_ns = bpf_ktime_get_ns();
	return 0;
}

static u64 grace_begin_ns;

static __always_inline bool is_worker(void)
{
	return figures.armed_ns && bpf_get_current_pid_tgid() == figures.worker;
}

SEC("fentry/synchronize_rcu")
int BPF_PROG(bench_grace_begins)
{
	if (is_worker())
		grace_begin_ns = bpf_ktime_get_ns();
	return 0;
}

SEC("fexit/synchronize_rcu")
int BPF_PROG(bench_grace_ends)
{
	u64 nr = figures.nr_graces;

	if (!is_worker())
		return 0;
	if (nr < BENCH_GRACES)
		figures.grace_ns[nr] = bpf_ktime_get_ns() - grace_begin_ns;
	figures.nr_graces = nr + 1;
	return 0;
}
