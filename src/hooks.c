// SPDX-License-Identifier: GPL-2.0-only
/*
 * The three hooks. Each does its part and runs the kernel's own body, so that
 * what a distribution mends there stays mended.
 */
#include <linux/module.h>

#include "balancer.h"
#include "bypass_dsq.h"
#include "expedite.h"
#include "gate.h"
#include "hooks.h"
#include "kern.h"
#include "pull.h"
#include "quiet.h"
#include "record.h"
#include "redirect.h"
#include "spread.h"

typedef void scx_bypass_fn(bool bypass);
typedef void dispatch_enqueue_fn(struct scx_sched *sch, struct scx_dispatch_q *dsq,
				 struct task_struct *p, u64 enq_flags);
typedef bool consume_dispatch_q_fn(struct scx_sched *sch, struct rq *rq,
				   struct scx_dispatch_q *dsq);

/* before a kernel could have several schedulers there was no struct scx_sched */
typedef void dispatch_enqueue_nosch_fn(struct scx_dispatch_q *dsq, struct task_struct *p,
				       u64 enq_flags);
typedef bool consume_dispatch_q_nosch_fn(struct rq *rq, struct scx_dispatch_q *dsq);

/* the kernel's own bodies, in the form that the running kernel has */
DEFINE_STATIC_CALL_NULL(body_scx_bypass, scx_bypass_fn);
DEFINE_STATIC_CALL_NULL(body_dispatch_enqueue, dispatch_enqueue_fn);
DEFINE_STATIC_CALL_NULL(body_dispatch_enqueue_nosch, dispatch_enqueue_nosch_fn);
DEFINE_STATIC_CALL_NULL(body_consume_dispatch_q, consume_dispatch_q_fn);
DEFINE_STATIC_CALL_NULL(body_consume_dispatch_q_nosch, consume_dispatch_q_nosch_fn);

/* Are tasks being redirected? Only while no task can miss a hook. */
static bool redirecting __read_mostly;

/*
 * Runs preemptible. The rq flags that the balancer looks at have all changed
 * when the body returns.
 */
static void hook_scx_bypass(bool bypass)
{
	if (READ_ONCE(redirecting))
		record_before(bypass);
	if (bypass && !kern_bypassing() && READ_ONCE(redirecting)) {
		quiet_begin();
		spread_begin();
	}
	gate_hold();
	static_call(body_scx_bypass)(bypass);
	gate_release();
	spread_end();
	expedite_update();
	balancer_update();
	if (READ_ONCE(redirecting))
		record_after();
	if (!bypass || !READ_ONCE(redirecting))
		quiet_end();
}

/*
 * Interrupts are off. The caller holds @p's rq lock or, coming from the BPF
 * scheduler's dispatch, owns @p in DISPATCHING state; either keeps
 * task_cpu(@p) from changing. In the second case the flag may be changing:
 * scx_bypass() then waits for @p and queues it again.
 */
static __always_inline bool is_for_bypass_dsq(struct scx_dispatch_q *dsq,
					      struct task_struct *p, u64 enq_flags)
{
	return dsq->id == SCX_DSQ_GLOBAL && READ_ONCE(redirecting) &&
	       kern_cpu_bypassing(task_cpu(p)) &&
	       !(enq_flags & kern_layout.enq_dsq_priq);
}

static void __used hook_dispatch_enqueue(struct scx_sched *sch, struct scx_dispatch_q *dsq,
					 struct task_struct *p, u64 enq_flags)
{
	if (is_for_bypass_dsq(dsq, p, enq_flags))
		bypass_dsq_enqueue(dsq, p, enq_flags);
	else
		static_call(body_dispatch_enqueue)(sch, dsq, p, enq_flags);
}

static void __used hook_dispatch_enqueue_nosch(struct scx_dispatch_q *dsq,
					       struct task_struct *p, u64 enq_flags)
{
	if (is_for_bypass_dsq(dsq, p, enq_flags))
		bypass_dsq_enqueue(dsq, p, enq_flags);
	else
		static_call(body_dispatch_enqueue_nosch)(dsq, p, enq_flags);
}

/* picks of urgent tasks in a row, while others wait */
#define URGENT_ROW	4

/* a CPU consumes from its two bypass DSQs, the global one and another CPU's */
#define NR_SOURCES	4

/*
 * The DSQs to look at instead of @dsq, in this order; returns how many. @rq is
 * locked.
 *
 * The global DSQ is empty in bypass, unless the module was loaded during
 * bypass or is being unloaded. Then it and the bypass DSQ take turns, or the
 * tasks of the one would starve as long as the other has some. So that they do
 * not starve behind urgent tasks, these let one of them pass now and then; only
 * for the moment of quiet that bypass may begin with, they do not.
 */
static __always_inline int sources(struct rq *rq, struct scx_dispatch_q *dsq,
				   struct scx_dispatch_q **order)
{
	struct bypass_cpu *bc;
	bool urgent_first;
	int nr = 0, cpu;

	if (dsq->id != SCX_DSQ_GLOBAL) {
		order[nr++] = dsq;
		return nr;
	}
	cpu = kern_rq_cpu(rq);
	bc = per_cpu_ptr(&bypass_cpus, cpu);
	if (bypass_dsqs_empty(bc)) {
		order[nr++] = dsq;
		if (READ_ONCE(redirecting) && kern_cpu_bypassing(cpu)) {
			order[nr] = pull_source(cpu);
			nr += !!order[nr];
		}
		return nr;
	}

	if (READ_ONCE(bc->urgent_only)) {
		order[nr++] = &bc->urgent;
		order[nr++] = dsq;
		return nr;
	}

	urgent_first = !list_empty(&bc->urgent.list) && bc->urgent_row < URGENT_ROW;
	bc->urgent_row = urgent_first ? bc->urgent_row + 1 : 0;
	if (urgent_first)
		order[nr++] = &bc->urgent;
	else if (!list_empty(&dsq->list))
		bc->global_turn = !bc->global_turn;

	order[nr++] = bc->global_turn ? dsq : &bc->dsq;
	order[nr++] = bc->global_turn ? &bc->dsq : dsq;
	if (!urgent_first)
		order[nr++] = &bc->urgent;
	return nr;
}

/* A task of @dsq is on @rq's local DSQ now; for return. */
static __always_inline bool picked(struct rq *rq, const struct scx_dispatch_q *dsq)
{
	if (dsq->id == SCX_DSQ_BYPASS)
		record_pick(rq);
	return true;
}

/* Interrupts are off, @rq is locked; the body may drop and retake that lock. */
static bool __used hook_consume_dispatch_q(struct scx_sched *sch, struct rq *rq,
					   struct scx_dispatch_q *dsq)
{
	struct scx_dispatch_q *order[NR_SOURCES];
	int i, nr = sources(rq, dsq, order);

	for (i = 0; i < nr; i++)
		if (static_call(body_consume_dispatch_q)(sch, rq, order[i]))
			return picked(rq, order[i]);
	return false;
}

static bool __used hook_consume_dispatch_q_nosch(struct rq *rq, struct scx_dispatch_q *dsq)
{
	struct scx_dispatch_q *order[NR_SOURCES];
	int i, nr = sources(rq, dsq, order);

	for (i = 0; i < nr; i++)
		if (static_call(body_consume_dispatch_q_nosch)(rq, order[i]))
			return picked(rq, order[i]);
	return false;
}

DEFINE_GATE(hook_dispatch_enqueue);
DEFINE_GATE(hook_dispatch_enqueue_nosch);
DEFINE_GATE(hook_consume_dispatch_q);
DEFINE_GATE(hook_consume_dispatch_q_nosch);

/* All forms that the functions have had; a kernel has one of each. */
const struct hook hook_forms[NR_HOOK_FORMS] = {
	{
		.id = HOOK_BYPASS,
		.body = KERN_FUNC(scx_bypass, body_scx_bypass, "void(bool)"),
		.func = hook_scx_bypass,
	}, {
		.id = HOOK_BYPASS,
		.body = KERN_FUNC(scx_ops_bypass, body_scx_bypass, "void(bool)"),
		.func = hook_scx_bypass,
	}, {
		.id = HOOK_ENQUEUE,
		.body = KERN_FUNC(dispatch_enqueue, body_dispatch_enqueue,
				  "void(*scx_sched,*scx_dispatch_q,*task_struct,u64)"),
		.func = hook_dispatch_enqueue,
		.gate = gate_hook_dispatch_enqueue,
	}, {
		.id = HOOK_ENQUEUE,
		.body = KERN_FUNC(dispatch_enqueue, body_dispatch_enqueue_nosch,
				  "void(*scx_dispatch_q,*task_struct,u64)"),
		.func = hook_dispatch_enqueue_nosch,
		.gate = gate_hook_dispatch_enqueue_nosch,
	}, {
		.id = HOOK_CONSUME,
		.body = KERN_FUNC(consume_dispatch_q, body_consume_dispatch_q,
				  "bool(*scx_sched,*rq,*scx_dispatch_q)"),
		.func = hook_consume_dispatch_q,
		.gate = gate_hook_consume_dispatch_q,
	}, {
		.id = HOOK_CONSUME,
		.body = KERN_FUNC(consume_dispatch_q, body_consume_dispatch_q_nosch,
				  "bool(*rq,*scx_dispatch_q)"),
		.func = hook_consume_dispatch_q_nosch,
		.gate = gate_hook_consume_dispatch_q_nosch,
	},
};

/**
 * hooks_active() - are tasks being redirected to the bypass DSQs?
 *
 * Context: any.
 */
bool hooks_active(void)
{
	return READ_ONCE(redirecting);
}

/**
 * hooks_activate() - start to redirect
 *
 * To be called when no task can run the kernel's functions without the hooks
 * any more. If bypass is on, balancing starts now.
 *
 * Context: process, may sleep.
 */
void hooks_activate(void)
{
	/* bypass may be on already */
	gate_hold();
	gate_release();
	balancer_start();
	WRITE_ONCE(redirecting, true);
	balancer_update();
	expedite_start();
	record_after();
	pr_info("hooks active: version %s, backend %s\n", SCX_BYPASS_LB_VERSION,
		redirect_backend());
}

/**
 * hooks_deactivate() - stop to redirect, and empty the bypass DSQs
 *
 * To be called while every task still runs the hooks: a task that waits on a
 * bypass DSQ is seen by the hook of consume_dispatch_q() alone. On return no
 * task refers to a bypass DSQ, and the hooks only pass calls on.
 *
 * Context: process, may sleep.
 */
void hooks_deactivate(void)
{
	WRITE_ONCE(redirecting, false);
	/* enqueues that have seen the flag run with interrupts off */
	synchronize_rcu();
	quiet_end();
	balancer_stop();
	expedite_stop();
	record_stop();
	bypass_dsq_drain();
	pr_info("hooks inactive\n");
}
