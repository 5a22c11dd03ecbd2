// SPDX-License-Identifier: GPL-2.0-only
/* What the bench looks at in the kernel, the same on every kernel. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bench.h"
#include "kernel.h"

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
	if (!figures.armed_ns)
		return 0;
	figures.bypass_end_ns = bpf_ktime_get_ns();
	if (!figures.walk_ns)
		figures.walk_ns = figures.bypass_end_ns - figures.bypass_begin_ns;
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

/* since when a CPU has been looking for a task */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} picking SEC(".maps");

/* Every run queue has been told of bypass. What was before is the scheduler's doing. */
static __always_inline bool in_bypass(void)
{
	return figures.armed_ns && figures.bypass_end_ns;
}

SEC("fentry/consume_dispatch_q")
int BPF_PROG(bench_pick_begins)
{
	u32 key = 0;
	u64 *since = bpf_map_lookup_elem(&picking, &key);

	if (since)
		*since = in_bypass() ? bpf_ktime_get_ns() : 0;
	return 0;
}

SEC("fexit/consume_dispatch_q")
int BPF_PROG(bench_pick_ends)
{
	u32 key = 0;
	u64 *since = bpf_map_lookup_elem(&picking, &key);
	u64 took;

	if (!since || !*since || !figures.armed_ns)
		return 0;
	took = bpf_ktime_get_ns() - *since;
	if (took > figures.pick_max_ns)
		figures.pick_max_ns = took;
	return 0;
}

SEC("fentry/set_next_task_scx")
int BPF_PROG(bench_pick_looked)
{
	if (in_bypass())
		__sync_fetch_and_add(&figures.picks, 1);
	return 0;
}

SEC("fentry/task_can_run_on_remote_rq")
int BPF_PROG(bench_task_looked)
{
	if (in_bypass())
		__sync_fetch_and_add(&figures.looks, 1);
	return 0;
}

/* arguments: node, nr_cpus, nr_tasks, nr_balanced, then lengths: two before, two after */
SEC("raw_tp")
int bench_pass_lb(struct bpf_raw_tracepoint_args *ctx)
{
	u32 cpus = ctx->args[1], tasks = ctx->args[2], after_max = ctx->args[7];
	u32 mean = cpus ? (tasks + cpus - 1) / cpus : 0;

	if (!figures.armed_ns)
		return 0;
	__sync_fetch_and_add(&figures.moved, ctx->args[3]);
	if (tasks && !figures.balanced_ns && after_max <= (mean * 5 + 3) / 4)
		figures.balanced_ns = bpf_ktime_get_ns();
	return 0;
}

/* Functions of their own: what a kernel does not have is then never looked up in it. */
static __noinline u32 native_queued(const struct rq *rq)
{
	const struct rq___native *native = (const void *)rq;

	return BPF_CORE_READ(native, scx.bypass_dsq.nr);
}

static __noinline u32 module_queued(u32 cpu)
{
	u64 offset = 0, queues = figures.module_queues;
	const struct scx_dispatch_q *dsq;

	bpf_probe_read_kernel(&offset, sizeof(offset), &__per_cpu_offset + cpu * sizeof(offset));
	dsq = (const void *)(queues + offset);
	return BPF_CORE_READ(dsq, nr);
}

/* Without bypass DSQs a CPU's tasks are those of its run queue. */
static __always_inline u32 queued_for(const struct rq *rq, u32 cpu)
{
	if (!bpf_core_enum_value_exists(enum scx_rq_flags___some, SCX_RQ_BYPASSING___some) ||
	    !(rq->scx.flags & bpf_core_enum_value(enum scx_rq_flags___some,
						  SCX_RQ_BYPASSING___some)))
		return rq->nr_running;
	if (bpf_core_field_exists(struct rq___native, scx.bypass_dsq))
		return native_queued(rq) + rq->cfs.h_nr_queued;
	if (figures.module_queues)
		return module_queued(cpu) + rq->cfs.h_nr_queued;
	return rq->nr_running;
}

SEC("syscall")
int bench_sample(void *ctx)
{
	u32 cpu;

	bpf_for(cpu, 0, BENCH_CPUS) {
		const struct rq *rq = bpf_per_cpu_ptr(&runqueues, cpu);

		if (!rq)
			break;
		figures.lengths[cpu] = queued_for(rq, cpu);
	}
	return 0;
}
