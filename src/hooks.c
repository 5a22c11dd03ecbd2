// SPDX-License-Identifier: GPL-2.0-only
/*
 * The three hooks. Each does its part and runs the kernel's own body, so that
 * what a distribution fixes there stays fixed.
 */
#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/irq_work.h>
#include <linux/module.h>

#include "balancer.h"
#include "bypass_dsq.h"
#include "deliver.h"
#include "expedite.h"
#include "gate.h"
#include "help.h"
#include "hooks.h"
#include "kern.h"
#include "record.h"
#include "redirect.h"

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

/* The hooks are installed, and no task runs a hooked function without its hook. */
static bool hooks_installed __read_mostly;

/*
 * The hook of consume_dispatch_q() has been seen to be called as bypass needs it. A
 * compiler may inline that function, or just its test for an empty queue, into one
 * caller and not into another: then a task on a bypass DSQ would never come out. So
 * nothing is redirected before the hook has been called for an empty global DSQ, which
 * says that the test is not in the callers; and, as the kernel has two calls and only
 * one of them is reached in bypass, on a CPU in bypass.
 */
static bool hooks_seen_empty, hooks_seen_bypass;
static bool hooks_proven __read_mostly;

/* tasks that are inside hook_scx_bypass(): they may be preempted there */
static atomic_t hooks_inside = ATOMIC_INIT(0);

/* how often, and how long each time, the proof is waited for */
#define HOOKS_PROOF_TRIES	10
#define HOOKS_PROOF_US		500

static bool hooks_redirecting(void)
{
	return READ_ONCE(hooks_installed) && READ_ONCE(hooks_proven);
}

/*
 * A scheduler is loaded in bypass, which is about to end, perhaps before a CPU has had a
 * reason to pick. So have all of them pick, and wait a moment for the proof.
 */
static void hooks_wait_for_proof(void)
{
	int cpu, tries = HOOKS_PROOF_TRIES;

	/* no lock: it does nothing to a CPU that has gone offline */
	for_each_online_cpu(cpu)
		static_call(kern_resched_cpu)(cpu);
	while (!READ_ONCE(hooks_seen_bypass) && tries--)
		usleep_range(HOOKS_PROOF_US, 2 * HOOKS_PROOF_US);
}

/*
 * Runs preemptible, so its end is waited for by number, see hooks_wait_idle(): where
 * the kernel is not preemptible an RCU-tasks grace period does not wait for a task
 * that was switched out here.
 *
 * The rq flags that the balancer looks at have all changed when the body returns.
 */
static void hook_scx_bypass(bool bypass)
{
	bool begins;

	atomic_inc(&hooks_inside);
	if (READ_ONCE(hooks_installed))
		record_before(bypass);
	if (!bypass && READ_ONCE(hooks_installed) && !READ_ONCE(hooks_seen_bypass) &&
	    kern_in_bypass())
		hooks_wait_for_proof();
	begins = bypass && !kern_bypassing() && hooks_redirecting() && deliver_begin();
	gate_hold();
	static_call(body_scx_bypass)(bypass);
	gate_release();
	balancer_update();
	if (begins)
		deliver_tasks();
	expedite_update();
	if (READ_ONCE(hooks_installed))
		record_after();
	if (!bypass && READ_ONCE(hooks_installed) && !READ_ONCE(hooks_proven))
		pr_info_once("the kernel was not seen to call the hooks as bypass needs it: this bypass was as without the module\n");
	if (!bypass && kern_bypassing() && !kern_sched_loaded())
		pr_warn_once("bypass stays on although no scheduler is loaded: some kernels do that once a scheduler has failed to load\n");
	atomic_dec(&hooks_inside);
}

/*
 * Interrupts are off. The caller holds @p's rq lock or, coming from the BPF
 * scheduler's dispatch, owns @p in DISPATCHING state; either keeps
 * task_cpu(@p) from changing. In the second case the flag may be changing:
 * scx_bypass() then waits for @p and queues it again.
 */
static __always_inline bool hooks_is_for_bypass_dsq(struct scx_dispatch_q *dsq,
						    struct task_struct *p, u64 enq_flags)
{
	return dsq->id == SCX_DSQ_GLOBAL && hooks_redirecting() &&
	       kern_cpu_bypassing(task_cpu(p)) &&
	       !(enq_flags & kern_layout.enq_dsq_priq);
}

/* picks of urgent tasks in a row, while others wait */
#define HOOKS_URGENT_ROW	4

/* a CPU consumes from its two bypass DSQs, the global one and another CPU's */
#define HOOKS_NR_SOURCES	4

/**
 * struct hooks_pick - the DSQs that a pick looks at, in this order
 * @dsq: the DSQs
 * @nr: how many
 * @helped: the one of them that is another CPU's, or NULL
 */
struct hooks_pick {
	struct scx_dispatch_q *dsq[HOOKS_NR_SOURCES];
	unsigned int nr;
	struct scx_dispatch_q *helped;
};

static __always_inline void hooks_add(struct hooks_pick *pick, struct scx_dispatch_q *dsq)
{
	pick->dsq[pick->nr++] = dsq;
}

static __always_inline void hooks_add_help(struct hooks_pick *pick, struct bypass_cpu *bc,
					   bool idle)
{
	pick->helped = help_source(bc, idle);
	if (pick->helped)
		hooks_add(pick, pick->helped);
}

/*
 * A CPU that has tasks itself. The global DSQ is empty in bypass, unless the module
 * was loaded during bypass or is being unloaded. Then it and the bypass DSQ take
 * turns, or the tasks of the one would starve as long as the other has some. For the
 * same reason urgent tasks let another one pass now and then.
 */
static __always_inline void hooks_pick_own(struct hooks_pick *pick, struct bypass_cpu *bc,
					   struct scx_dispatch_q *global)
{
	bool urgent_first = READ_ONCE(bc->urgent.nr) && bc->urgent_row < HOOKS_URGENT_ROW;

	bc->urgent_row = urgent_first ? bc->urgent_row + 1 : 0;
	if (urgent_first)
		hooks_add(pick, &bc->urgent);
	else if (READ_ONCE(global->nr))
		bc->global_turn = !bc->global_turn;

	hooks_add(pick, bc->global_turn ? global : &bc->dsq);
	hooks_add(pick, bc->global_turn ? &bc->dsq : global);
	if (!urgent_first)
		hooks_add(pick, &bc->urgent);
}

/* @global is a global DSQ, @bc the CPU's that picks. Its rq is locked. */
static __always_inline void hooks_choose(struct hooks_pick *pick, struct bypass_cpu *bc,
					 struct scx_dispatch_q *global)
{
	bool bypassing = hooks_redirecting() && kern_cpu_bypassing(bc->cpu);

	pick->nr = 0;
	pick->helped = NULL;
	WRITE_ONCE(bc->nr_picks, bc->nr_picks + 1);

	if (!bypass_cpu_nr(bc)) {
		hooks_add(pick, global);
		if (bypassing)
			hooks_add_help(pick, bc, true);
		return;
	}
	/* tasks that their CPU does not serve come first, in every second tick */
	if (bypassing)
		hooks_add_help(pick, bc, false);
	hooks_pick_own(pick, bc, global);
}

/* The proof was found with scheduler locks held; here are none. */
static void hooks_proven_fn(struct irq_work *work)
{
	gate_prove();
}

static struct irq_work hooks_proven_work = IRQ_WORK_INIT_HARD(hooks_proven_fn);

static noinline void hooks_look_for_proof(struct scx_dispatch_q *global, int cpu)
{
	if (list_empty(&global->list))
		WRITE_ONCE(hooks_seen_empty, true);
	if (kern_cpu_bypassing(cpu))
		WRITE_ONCE(hooks_seen_bypass, true);
	/* a CPU on its last steps down takes no interrupts any more */
	if (READ_ONCE(hooks_seen_empty) && READ_ONCE(hooks_seen_bypass) && cpu_online(cpu)) {
		WRITE_ONCE(hooks_proven, true);
		irq_work_queue(&hooks_proven_work);
	}
}

static __always_inline bool hooks_consume_body(bool has_sch, struct scx_sched *sch,
					       struct rq *rq, struct scx_dispatch_q *dsq)
{
	if (has_sch)
		return static_call(body_consume_dispatch_q)(sch, rq, dsq);
	return static_call(body_consume_dispatch_q_nosch)(rq, dsq);
}

/*
 * Interrupts are off, @rq is locked, but the body may drop that lock: in its
 * "breather", for up to a millisecond while scx_bypass() works, and where it takes a
 * task from another run queue. What is queued on this CPU meanwhile would be missed,
 * and the request to pick again is forgotten when the pick ends. So look again, with
 * the lock that is then held until the pick ends, if anything was queued. A task that
 * was queued and cannot be taken does not repeat it.
 */
static __always_inline bool hooks_consume(bool has_sch, struct scx_sched *sch, struct rq *rq,
					  struct scx_dispatch_q *dsq)
{
	struct bypass_cpu *bc;
	struct hooks_pick pick;
	unsigned int i;
	u32 seq;

	if (dsq->id != SCX_DSQ_GLOBAL)
		return hooks_consume_body(has_sch, sch, rq, dsq);

	bc = per_cpu_ptr(&bypass_cpus, kern_rq_cpu(rq));
	if (unlikely(!READ_ONCE(hooks_proven)) && READ_ONCE(hooks_installed))
		hooks_look_for_proof(dsq, bc->cpu);
	do {
		seq = bypass_cpu_seq(bc);
		hooks_choose(&pick, bc, dsq);
		for (i = 0; i < pick.nr; i++) {
			/* each call may take a millisecond, see above */
			if (pick.dsq[i] != dsq && !READ_ONCE(pick.dsq[i]->nr))
				continue;
			if (!hooks_consume_body(has_sch, sch, rq, pick.dsq[i]))
				continue;
			if (pick.dsq[i] == pick.helped)
				WRITE_ONCE(bc->nr_helped, bc->nr_helped + 1);
			if (pick.dsq[i] != dsq)
				record_pick(rq);
			return true;
		}
	} while (bypass_cpu_seq(bc) != seq);
	return false;
}

/* The two forms of each function: with struct scx_sched, and older ones without. */
static void __used hook_dispatch_enqueue(struct scx_sched *sch, struct scx_dispatch_q *dsq,
					 struct task_struct *p, u64 enq_flags)
{
	if (hooks_is_for_bypass_dsq(dsq, p, enq_flags))
		bypass_dsq_enqueue(dsq, p, enq_flags);
	else
		static_call(body_dispatch_enqueue)(sch, dsq, p, enq_flags);
}

static void __used hook_dispatch_enqueue_nosch(struct scx_dispatch_q *dsq,
					       struct task_struct *p, u64 enq_flags)
{
	if (hooks_is_for_bypass_dsq(dsq, p, enq_flags))
		bypass_dsq_enqueue(dsq, p, enq_flags);
	else
		static_call(body_dispatch_enqueue_nosch)(dsq, p, enq_flags);
}

static bool __used hook_consume_dispatch_q(struct scx_sched *sch, struct rq *rq,
					   struct scx_dispatch_q *dsq)
{
	return hooks_consume(true, sch, rq, dsq);
}

static bool __used hook_consume_dispatch_q_nosch(struct rq *rq, struct scx_dispatch_q *dsq)
{
	return hooks_consume(false, NULL, rq, dsq);
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
 * hooks_active() - are the hooks installed?
 *
 * Context: any.
 */
bool hooks_active(void)
{
	return READ_ONCE(hooks_installed);
}

/**
 * hooks_are_proven() - has the kernel been seen to call the hooks as it must?
 *
 * Tasks are redirected from then on. Without a scheduler nothing calls them.
 *
 * Context: any.
 */
bool hooks_are_proven(void)
{
	return READ_ONCE(hooks_proven);
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
	WRITE_ONCE(hooks_installed, true);
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
	WRITE_ONCE(hooks_installed, false);
	/* enqueues that have seen the flag run with interrupts off */
	synchronize_rcu();
	/* a task in hook_scx_bypass() may have seen it as well, and deliver tasks */
	hooks_wait_idle();
	balancer_stop();
	expedite_stop();
	record_stop();
	bypass_dsq_drain();
	pr_info("hooks inactive\n");
}

/**
 * hooks_are_idle() - is no task inside the hook that can be preempted?
 *
 * Context: any.
 */
bool hooks_are_idle(void)
{
	return !atomic_read(&hooks_inside);
}

/**
 * hooks_wait_idle() - wait until the tasks that are inside a hook have left it
 *
 * Context: process, may sleep. Meaningful for the module's text only once no
 * function calls a hook any more; then a grace period of RCU-tasks must follow, for
 * the instructions before a task is counted, and behind that.
 */
void hooks_wait_idle(void)
{
	while (!hooks_are_idle())
		msleep(20);
	irq_work_sync(&hooks_proven_work);
}
