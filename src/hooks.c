// SPDX-License-Identifier: GPL-2.0-only
/*
 * The three hooks. Each does its part and runs the kernel's own body, so that
 * what a distribution mends there stays mended.
 */
#include <linux/module.h>

#include "balancer.h"
#include "bypass_dsq.h"
#include "hooks.h"
#include "kern.h"

#define HOOK(fn, prototype) {					\
	.body = KERN_FUNC(fn, body_##fn, prototype),		\
	.func = hook_##fn,					\
}

typedef void scx_bypass_fn(bool bypass);
typedef void dispatch_enqueue_fn(struct scx_sched *sch, struct scx_dispatch_q *dsq,
				 struct task_struct *p, u64 enq_flags);
typedef bool consume_dispatch_q_fn(struct scx_sched *sch, struct rq *rq,
				   struct scx_dispatch_q *dsq);

DEFINE_STATIC_CALL_NULL(body_scx_bypass, scx_bypass_fn);
DEFINE_STATIC_CALL_NULL(body_dispatch_enqueue, dispatch_enqueue_fn);
DEFINE_STATIC_CALL_NULL(body_consume_dispatch_q, consume_dispatch_q_fn);

/* Are tasks being redirected? Only while no task can miss a hook. */
static bool redirecting __read_mostly;

/*
 * Runs preemptible. The rq flags that the balancer looks at have all changed
 * when the body returns.
 */
static void hook_scx_bypass(bool bypass)
{
	static_call(body_scx_bypass)(bypass);
	balancer_update();
}

/*
 * Interrupts are off. The caller holds @p's rq lock or, coming from the BPF
 * scheduler's dispatch, owns @p in DISPATCHING state; either keeps
 * task_cpu(@p) from changing. In the second case the flag may be changing:
 * scx_bypass() then waits for @p and queues it again.
 */
static void hook_dispatch_enqueue(struct scx_sched *sch, struct scx_dispatch_q *dsq,
				  struct task_struct *p, u64 enq_flags)
{
	if (dsq->id == SCX_DSQ_GLOBAL && READ_ONCE(redirecting) &&
	    kern_cpu_bypassing(task_cpu(p)) &&
	    !(enq_flags & kern_layout.enq_dsq_priq))
		bypass_dsq_enqueue(dsq, p, enq_flags);
	else
		static_call(body_dispatch_enqueue)(sch, dsq, p, enq_flags);
}

/*
 * Interrupts are off, @rq is locked; the body may drop and retake that lock.
 *
 * The global DSQ is empty in bypass, unless the module was loaded during
 * bypass or is being unloaded. Then the queues take turns, or the tasks of
 * the one would starve as long as the other has some.
 */
static bool hook_consume_dispatch_q(struct scx_sched *sch, struct rq *rq,
				    struct scx_dispatch_q *dsq)
{
	if (dsq->id == SCX_DSQ_GLOBAL) {
		struct bypass_cpu *bc = per_cpu_ptr(&bypass_cpus, kern_rq_cpu(rq));
		struct scx_dispatch_q *first = &bc->dsq;

		if (!list_empty(&first->list)) {
			if (!list_empty(&dsq->list)) {
				bc->global_turn = !bc->global_turn;
				if (bc->global_turn)
					swap(first, dsq);
			}
			if (static_call(body_consume_dispatch_q)(sch, rq, first))
				return true;
		}
	}
	return static_call(body_consume_dispatch_q)(sch, rq, dsq);
}

const struct hook hooks[NR_HOOKS] = {
	HOOK(scx_bypass, "void(bool)"),
	HOOK(dispatch_enqueue, "void(*scx_sched,*scx_dispatch_q,*task_struct,u64)"),
	HOOK(consume_dispatch_q, "bool(*scx_sched,*rq,*scx_dispatch_q)"),
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
	balancer_start();
	WRITE_ONCE(redirecting, true);
	balancer_update();
	pr_info("hooks active\n");
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
	balancer_stop();
	bypass_dsq_drain();
	pr_info("hooks inactive\n");
}
