// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the bench sees of the kernel, the same on every kernel: who waits for how
 * long, by sched_switch and wakeups, and the lengths of all queues, by samples.
 * No program is on a function that the module hooks for each task, and none runs
 * in user space.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bench.h"
#include "kernel.h"

char _license[] SEC("license") = "GPL";

#define PF_KTHREAD	0x00200000
#define MAX_RT_PRIO	100
#define CLOCK_MONOTONIC	1
/* samples are so many times further apart as time goes on, but at most so far */
#define SPREAD		32
#define MAX_INTERVAL_NS	5000000ull
/* a queue is uneven above 1.5 times its share, by more than one task */
#define EVEN_NUM	3
#define EVEN_DEN	2

struct bench_figures figures;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BENCH_PIDS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, u32);
	__type(value, struct bench_task);
} tasks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BENCH_SAMPLES);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, u32);
	__type(value, struct bench_sample);
} samples SEC(".maps");

struct sampler {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct sampler);
} samplers SEC(".maps");

/* Functions of their own: what a kernel does not have is then never looked up in it. */
static __noinline u32 native_queued(const struct rq *rq)
{
	const struct rq___native *native = (const void *)rq;

	return BPF_CORE_READ(native, scx.bypass_dsq.nr);
}

/* A CPU's bypass_cpu begins with its two queues, see src/queue/bypass_dsq.h. */
static __noinline u32 module_queued(u32 cpu)
{
	u64 offset = 0, queues = figures.module_queues;
	const struct scx_dispatch_q *dsq;

	bpf_probe_read_kernel(&offset, sizeof(offset), &__per_cpu_offset + cpu * sizeof(offset));
	dsq = (const void *)(queues + offset);
	return BPF_CORE_READ(dsq, nr) +
	       BPF_CORE_READ((const struct scx_dispatch_q *)
			     ((const void *)dsq + bpf_core_type_size(struct scx_dispatch_q)), nr);
}

static __always_inline bool is_bypassing(const struct rq *rq)
{
	return bpf_core_enum_value_exists(enum scx_rq_flags___some, SCX_RQ_BYPASSING___some) &&
	       rq->scx.flags & bpf_core_enum_value(enum scx_rq_flags___some,
						   SCX_RQ_BYPASSING___some);
}

/*
 * What waits on a queue that all CPUs share is nobody's. But before bypass, and in
 * a bypass with a queue for each node, it counts for the run queue that it is on:
 * that is where the fair class will have it.
 */
static __always_inline u32 queued_for(const struct rq *rq, u32 cpu)
{
	u32 others = rq->nr_running - rq->scx.nr_running;

	if (!is_bypassing(rq))
		return others + (figures.reached_ns ? rq->scx.local_dsq.nr : rq->scx.nr_running);
	if (bpf_core_field_exists(struct rq___native, scx.bypass_dsq))
		return others + rq->scx.local_dsq.nr + native_queued(rq);
	if (figures.module_queues)
		return others + rq->scx.local_dsq.nr + module_queued(cpu);
	return others + rq->scx.nr_running;
}

static __always_inline bool is_uneven(u32 longest, u32 total, u32 cpus)
{
	u32 share = (total + cpus - 1) / (cpus ?: 1);

	return longest > share + 1 && longest * cpus * EVEN_DEN > total * EVEN_NUM;
}

/* Returns whether the queues of all nodes are even. */
static __always_inline bool take_lengths(u64 now)
{
	u32 key = figures.nr_samples, node, cpus = figures.nr_cpus / BENCH_NODES;
	struct bench_sample *sample = bpf_map_lookup_elem(&samples, &key);
	bool even = true;
	u32 i;

	if (!sample)
		return false;
	bpf_for(node, 0, BENCH_NODES) {
		u32 total = 0, longest = 0;

		bpf_for(i, 0, cpus) {
			u32 cpu = node * cpus + i, nr;
			const struct rq *rq = bpf_per_cpu_ptr(&runqueues, cpu);

			if (!rq)
				break;
			nr = queued_for(rq, cpu);
			if (cpu < BENCH_CPUS)
				sample->lengths[cpu] = nr;
			if (i + figures.nr_lone >= cpus)
				continue;
			total += nr;
			if (nr > longest)
				longest = nr;
		}
		if (is_uneven(longest, total, cpus - figures.nr_lone))
			even = false;
	}
	sample->at_ns = now;
	if (key < BENCH_SAMPLES - 1)
		figures.nr_samples = key + 1;
	return even;
}

static __noinline void look_at_state(u64 now)
{
	const void *var = &scx_enable_state_var;
	u32 state = 0;

	if (!var)
		var = &scx_ops_enable_state_var;
	bpf_probe_read_kernel(&state, sizeof(state), var);
	if (figures.state != state)
		figures.changed = figures.armed_ns != 0;
	figures.state = state;
	if (figures.changed && state == figures.target && !figures.reached_ns)
		figures.reached_ns = now;
}

static __always_inline void judge(u64 now, bool even)
{
	u64 recovered = figures.reached_ns;

	if (!even)
		figures.even_ns = 0;
	else if (!figures.even_ns)
		figures.even_ns = now;

	if (even && recovered && !figures.nr_due) {
		if (recovered < figures.even_ns)
			recovered = figures.even_ns;
		if (recovered < figures.ran_ns)
			recovered = figures.ran_ns;
		figures.recovered_ns = recovered;
		figures.done = now - recovered >= figures.hold_ns;
	} else {
		figures.recovered_ns = 0;
	}
	if (now - figures.armed_ns >= figures.limit_ns)
		figures.done = 1;
}

static __always_inline u64 interval(u64 now)
{
	u64 ns = (now - figures.armed_ns) / SPREAD;

	if (ns < figures.interval_ns)
		ns = figures.interval_ns;
	return ns < MAX_INTERVAL_NS ? ns : MAX_INTERVAL_NS;
}

static __noinline int sample(u64 now)
{
	u64 next = figures.next_ns;

	if (!figures.armed_ns || figures.done || now < next ||
	    !__sync_bool_compare_and_swap(&figures.next_ns, next, now + interval(now)))
		return 0;
	look_at_state(now);
	judge(now, take_lengths(now));
	return 0;
}

static int on_timer(void *map, int *key, struct sampler *sampler)
{
	u64 now = bpf_ktime_get_ns();

	sample(now);
	if (figures.armed_ns && !figures.done)
		bpf_timer_start(&sampler->timer, interval(now), 0);
	return 0;
}

/* The trigger comes next. */
SEC("syscall")
int bench_arm(void *ctx)
{
	u32 key = 0, pid, max = figures.max_pid < BENCH_PIDS ? figures.max_pid : BENCH_PIDS - 1;
	struct sampler *sampler = bpf_map_lookup_elem(&samplers, &key);

	if (!sampler)
		return 1;
	look_at_state(0);
	figures.armed_ns = bpf_ktime_get_ns();
	bpf_for(pid, 0, max + 1) {
		u32 place = pid;
		struct bench_task *task = bpf_map_lookup_elem(&tasks, &place);

		if (task && task->since_ns) {
			task->due = figures.run;
			__sync_fetch_and_add(&figures.nr_due, 1);
		}
	}
	figures.armed_ns = bpf_ktime_get_ns();
	bpf_timer_init(&sampler->timer, &samplers, CLOCK_MONOTONIC);
	bpf_timer_set_callback(&sampler->timer, on_timer);
	return bpf_timer_start(&sampler->timer, 0, 0);
}

/* Other tasks are not looked at. */
static __always_inline struct bench_task *task_of(const struct task_struct *p)
{
	u32 place = p->pid & (BENCH_PIDS - 1);

	if (!p->pid || p->flags & PF_KTHREAD || p->prio < MAX_RT_PRIO)
		return NULL;
	if (place > figures.max_pid)
		figures.max_pid = place;
	return bpf_map_lookup_elem(&tasks, &place);
}

static __always_inline bool has_cpu(const struct task_struct *p)
{
	const struct rq *rq = bpf_per_cpu_ptr(&runqueues, p->thread_info.cpu);

	return rq && rq->curr->pid == p->pid;
}

static __always_inline void wakes_up(const struct task_struct *p)
{
	struct bench_task *task = task_of(p);

	/* one that is still running only had its state changed */
	if (task && !task->since_ns && !has_cpu(p))
		task->since_ns = bpf_ktime_get_ns();
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(bench_wakeup, struct task_struct *p)
{
	wakes_up(p);
	return 0;
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(bench_wakeup_new, struct task_struct *p)
{
	wakes_up(p);
	return 0;
}

/* What is behind the recovery does not count. */
static __always_inline void end_wait(struct bench_task *task, u64 now)
{
	u64 begin = task->since_ns, end = figures.recovered_ns ?: now;

	if (!begin || !figures.armed_ns)
		return;
	if (task->run != figures.run) {
		task->run = figures.run;
		task->longest_ns = 0;
	}
	if (begin < figures.armed_ns)
		begin = figures.armed_ns;
	if (end > begin && end - begin > task->longest_ns)
		task->longest_ns = end - begin;
	if (task->due == figures.run) {
		task->due = 0;
		figures.ran_ns = now;
		__sync_fetch_and_add(&figures.nr_due, -1);
	}
}

SEC("tp_btf/sched_switch")
int BPF_PROG(bench_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	struct bench_task *from = task_of(prev), *to = task_of(next);
	u64 now = bpf_ktime_get_ns();

	if (to) {
		end_wait(to, now);
		to->since_ns = 0;
	}
	if (from)
		from->since_ns = preempt || !prev->__state ? now : 0;
	if (figures.armed_ns) {
		if (prev->pid == figures.worker)
			look_at_state(now);
		sample(now);
	}
	return 0;
}

SEC("fentry/scx_bypass")
int BPF_PROG(bench_bypass_entered)
{
	if (figures.armed_ns && !figures.bypass_begin_ns) {
		figures.bypass_begin_ns = bpf_ktime_get_ns();
		figures.worker = (u32)bpf_get_current_pid_tgid();
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

static __always_inline bool is_worker(void)
{
	return figures.armed_ns && (u32)bpf_get_current_pid_tgid() == figures.worker;
}

SEC("fentry/synchronize_rcu")
int BPF_PROG(bench_grace_begins)
{
	if (is_worker())
		figures.grace_begin_ns = bpf_ktime_get_ns();
	return 0;
}

SEC("fexit/synchronize_rcu")
int BPF_PROG(bench_grace_ends)
{
	u32 nr = figures.nr_graces;

	if (!is_worker())
		return 0;
	if (nr < BENCH_GRACES)
		figures.grace_ns[nr] = bpf_ktime_get_ns() - figures.grace_begin_ns;
	figures.nr_graces = nr + 1;
	return 0;
}
