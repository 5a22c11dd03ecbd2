// SPDX-License-Identifier: GPL-2.0-only
/*
 * Schedulers to enter bypass from.
 *
 * "pile" sends every user task to one CPU of its node, the pile CPU, where
 * they wait in one queue: the worst that a scheduler can hand over to bypass.
 * Kernel threads and what may not run there go to their CPU's local DSQ. While
 * the pile CPU is down all others of its node take tasks of the pile. On request
 * it misbehaves.
 *
 * "global" has no callbacks at all: every task goes to the global DSQ. In "brief"
 * it does so as well, and runs about as long as in the fair class.
 *
 * "lingering" is "global", and on request its last callback takes as long as it is told to.
 *
 * "partial" and "global_partial" take only the tasks of policy SCHED_EXT.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "pile.h"

char _license[] SEC("license") = "GPL";

void scx_bpf_dsq_insert(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) __ksym __weak;
bool scx_bpf_dsq_move_to_local(u64 dsq_id) __ksym __weak;
/* their names in 6.12 */
void scx_bpf_dispatch(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) __ksym __weak;
bool scx_bpf_consume(u64 dsq_id) __ksym __weak;
void scx_bpf_kick_cpu(s32 cpu, u64 flags) __ksym;
s32 scx_bpf_create_dsq(u64 dsq_id, s32 node) __ksym;
void scx_bpf_error_bstr(char *fmt, unsigned long long *data, u32 data__sz) __ksym;

#define PF_KTHREAD	0x00200000
#define MAX_NODES	8
#define BRIEF_NS	3000000
/* as many as bpf_loop() can do */
#define MAX_ROUNDS	0x800000

struct pile_control control;

/* a bit for each CPU that is down; not in the map that the loader writes */
static u64 down SEC(".bss.down");

static __always_inline void insert_for(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags)
{
	if (bpf_ksym_exists(scx_bpf_dsq_insert))
		scx_bpf_dsq_insert(p, dsq_id, slice, enq_flags);
	else
		scx_bpf_dispatch(p, dsq_id, slice, enq_flags);
}

static __always_inline void insert(struct task_struct *p, u64 dsq_id, u64 enq_flags)
{
	insert_for(p, dsq_id, control.brief ? BRIEF_NS : SCX_SLICE_DFL, enq_flags);
}

static __always_inline void move_to_local(u64 dsq_id)
{
	if (bpf_ksym_exists(scx_bpf_dsq_move_to_local))
		scx_bpf_dsq_move_to_local(dsq_id);
	else
		scx_bpf_consume(dsq_id);
}

static u32 node_of(s32 cpu)
{
	u32 node = (u32)cpu / (control.cpus_per_node ?: 1);

	return node < MAX_NODES ? node : 0;
}

static s32 pile_cpu(s32 cpu)
{
	return node_of(cpu) * control.cpus_per_node + control.pile_offset;
}

static bool is_down(s32 cpu)
{
	return down >> (cpu & 63) & 1;
}

static bool may_pile(struct task_struct *p, s32 pile)
{
	return !(p->flags & PF_KTHREAD) &&
	       (p->cpus_ptr->bits[0] & (1UL << (pile & 63)));
}

SEC("struct_ops/pile_select_cpu")
s32 BPF_PROG(pile_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	s32 pile = pile_cpu(prev_cpu);

	return may_pile(p, pile) ? pile : prev_cpu;
}

SEC("struct_ops/pile_enqueue")
void BPF_PROG(pile_enqueue, struct task_struct *p, u64 enq_flags)
{
	s32 cpu = p->thread_info.cpu;

	if (control.raise_error) {
		char fmt[] = "raised on request";
		unsigned long long no_data = 0;

		scx_bpf_error_bstr(fmt, &no_data, 0);
	}
	if (!may_pile(p, pile_cpu(cpu)))
		insert(p, SCX_DSQ_LOCAL, enq_flags);
	else if (!control.stall)
		insert(p, node_of(cpu), enq_flags);
}

SEC("struct_ops/pile_dispatch")
void BPF_PROG(pile_dispatch, s32 cpu, struct task_struct *prev)
{
	if (cpu == pile_cpu(cpu) || is_down(pile_cpu(cpu)))
		move_to_local(node_of(cpu));
}

SEC("struct_ops/pile_init_task")
s32 BPF_PROG(pile_init_task, struct task_struct *p, struct scx_init_task_args *args)
{
	if (control.fail_init_at && ++control.nr_inits == control.fail_init_at)
		return -12;
	return 0;
}

SEC("struct_ops.s/pile_init")
s32 BPF_PROG(pile_init)
{
	u32 node;

	for (node = 0; node < MAX_NODES; node++) {
		s32 ret = scx_bpf_create_dsq(node, -1);

		if (ret)
			return ret;
	}
	return 0;
}

/* without these a CPU that comes or goes ends the scheduler */
SEC("struct_ops/pile_cpu_online")
void BPF_PROG(pile_cpu_online, s32 cpu)
{
	__sync_fetch_and_and(&down, ~(1ULL << (cpu & 63)));
	/* what has come in between waits for it alone */
	if (cpu == pile_cpu(cpu))
		scx_bpf_kick_cpu(cpu, 0);
}

SEC("struct_ops/pile_cpu_offline")
void BPF_PROG(pile_cpu_offline, s32 cpu)
{
	u32 i;

	__sync_fetch_and_or(&down, 1ULL << (cpu & 63));
	if (cpu != pile_cpu(cpu))
		return;
	/* the others idle, and nothing else wakes them for the work that they have now */
	for (i = 0; i < control.cpus_per_node && i < 64; i++)
		if (!is_down(cpu - control.pile_offset + i))
			scx_bpf_kick_cpu(cpu - control.pile_offset + i, 0);
}

/* what the three piles have in common */
#define PILE_OPS						\
	.select_cpu	= (void *)pile_select_cpu,		\
	.enqueue	= (void *)pile_enqueue,			\
	.dispatch	= (void *)pile_dispatch,		\
	.init_task	= (void *)pile_init_task,		\
	.init		= (void *)pile_init

SEC(".struct_ops.link")
struct sched_ext_ops pile_ops = {
	PILE_OPS,
	.cpu_online	= (void *)pile_cpu_online,
	.cpu_offline	= (void *)pile_cpu_offline,
	.name		= "pile",
};

/* the same, watched closely */
SEC(".struct_ops.link")
struct sched_ext_ops watched_ops = {
	PILE_OPS,
	.timeout_ms	= 5000,
	.name		= "watched",
};

SEC(".struct_ops.link")
struct sched_ext_ops partial_ops = {
	PILE_OPS,
	.cpu_online	= (void *)pile_cpu_online,
	.cpu_offline	= (void *)pile_cpu_offline,
	.flags		= SCX_OPS_SWITCH_PARTIAL,
	.name		= "partial",
};

SEC(".struct_ops.link")
struct sched_ext_ops global_ops = {
	.name		= "global",
};

SEC(".struct_ops.link")
struct sched_ext_ops global_partial_ops = {
	.flags		= SCX_OPS_SWITCH_PARTIAL,
	.name		= "global_partial",
};

SEC("struct_ops/brief_enqueue")
void BPF_PROG(brief_enqueue, struct task_struct *p, u64 enq_flags)
{
	insert_for(p, SCX_DSQ_GLOBAL, BRIEF_NS, enq_flags);
}

SEC(".struct_ops.link")
struct sched_ext_ops brief_ops = {
	.enqueue	= (void *)brief_enqueue,
	.name		= "brief",
};

static long linger_fn(u64 round, void *unused)
{
	return !control.linger;
}

static long linger_on_fn(u64 round, void *unused)
{
	return bpf_loop(MAX_ROUNDS, linger_fn, NULL, 0) < MAX_ROUNDS;
}

/* All tasks are in the fair class again, and bypass is still on. */
SEC("struct_ops.s/lingering_exit")
void BPF_PROG(lingering_exit, struct scx_exit_info *ei)
{
	if (!control.linger)
		return;
	control.lingers = 1;
	bpf_loop(MAX_ROUNDS, linger_on_fn, NULL, 0);
}

SEC(".struct_ops.link")
struct sched_ext_ops lingering_ops = {
	.exit	= (void *)lingering_exit,
	.name	= "lingering",
};
