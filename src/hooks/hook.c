// SPDX-License-Identifier: GPL-2.0-only
/*
 * The four hooks. Those of scx_bypass() and consume_dispatch_q() do their part and run the
 * kernel's own body, so that what a distribution fixes there stays fixed. The hook of
 * dispatch_enqueue() itself queues a task that goes to a bypass DSQ, and the hook of
 * synchronize_rcu() itself waits for the task that attaches or removes a scheduler;
 * otherwise they run the body as well.
 */
#include <linux/linkage.h>
#include <linux/printk.h>
#include <linux/ptrace.h>
#include <linux/static_call_types.h>
#include <asm/frame.h>
#include <asm/ibt.h>

#include "balance/defer.h"
#include "balance/deliver.h"
#include "balance/timing.h"
#include "hasten/enabling.h"
#include "hasten/expedite.h"
#include "hooks/gate.h"
#include "hooks/hook.h"
#include "hooks/policy.h"
#include "hooks/proof.h"
#include "hooks/state.h"
#include "kern/kern.h"
#include "record/episode.h"

typedef void hook_bypass_fn(bool bypass);
typedef void hook_rcu_fn(void);

DEFINE_STATIC_CALL_NULL(body_scx_bypass, hook_bypass_fn);

/* bypass was entered with a scheduler loaded, and has not ended */
static bool hook_saw_bypass;
/* bypass was begun by a task that attaches a scheduler, and that has not ended it */
static bool hook_attaching;

/* scx_bypass(@bypass) has returned: report what went wrong. Others may call it as well. */
static void hook_report(bool bypass)
{
	if (bypass && kern_sched_is_bypassed())
		WRITE_ONCE(hook_saw_bypass, true);
	if (kern_enable_mutex_owner() == current)
		WRITE_ONCE(hook_attaching, bypass);
	if (bypass)
		return;
	if (kern_bypassing()) {
		if (READ_ONCE(hook_attaching) && !kern_sched_loaded())
			pr_warn_once("bypass stays on although no scheduler is loaded: some kernels do this after a scheduler has failed to load; a reboot ends it\n");
		return;
	}
	WRITE_ONCE(hook_attaching, false);
	if (xchg(&hook_saw_bypass, false) && state_is_active() && !proof_is_complete())
		pr_info_once("the hooks were not called as bypass requires: this bypass ran as without the module, see scx_bypass_lb(4)\n");
}

/*
 * Runs preemptible, and the task may be one of sched_ext, such as one that suspends the
 * machine. It would be preempted as soon as the body, which does not sleep, has queued all tasks
 * again and has its CPU pick. So it first starts the guard, and policy.c then queues it in
 * front of the others.
 *
 * The rq flags that the balancer looks at have all changed when the body returns.
 */
static void hook_scx_bypass(bool bypass)
{
	bool begins;

	state_bypass_change_begin();
	if (state_is_active())
		episode_before(bypass);
	if (!bypass && state_is_active())
		proof_wait();
	begins = bypass && !kern_bypassing() && state_is_redirecting() && deliver_begin();
	gate_hold();
	preempt_disable();
	static_call(body_scx_bypass)(bypass);
	gate_release();
	timing_update();
	preempt_enable();
	if (begins) {
		deliver_tasks();
		defer_begin();
	}
	if (!bypass && state_is_active())
		defer_end();
	if (!bypass || state_is_active())
		enabling_update(bypass);
	if (state_is_active())
		episode_after(bypass);
	hook_report(bypass);
	state_bypass_change_end();
}

DEFINE_STATIC_CALL_NULL(body_synchronize_rcu, hook_rcu_fn);

static bool __used hook_rcu_is_wanted(void)
{
	return expedite_wanted() && state_enter();
}

static void __used hook_rcu_wait(void)
{
	expedite_wait();
	state_leave();
}

/*
 * Runs hook_rcu_wait() if that is wanted, else the kernel's body, each as if the caller had called
 * it. Tasks sleep in that body: nothing of the module may be on their stacks, or unload would have
 * to wait for each of them.
 */
void hook_synchronize_rcu(void);
asm(".pushsection .text, \"ax\", @progbits\n"
	".type hook_synchronize_rcu, @function\n"
	".globl hook_synchronize_rcu\n"
	"hook_synchronize_rcu:\n"
	ASM_ENDBR
	FRAME_BEGIN
	"	call hook_rcu_is_wanted\n"
	FRAME_END
	"	testb %al, %al\n"
	"	jne hook_rcu_wait\n"
	"	jmp " STATIC_CALL_TRAMP_STR(body_synchronize_rcu) "\n"
	".size hook_synchronize_rcu, .-hook_synchronize_rcu\n"
	".popsection\n");

/*
 * Interrupts are off. The caller holds @p's rq lock or, coming from the BPF
 * scheduler's dispatch, owns @p in DISPATCHING state; either keeps
 * task_cpu(@p) from changing. In the second case the flag may be changing:
 * scx_bypass() then waits for @p and queues it again.
 *
 * Nothing is read through @dsq and @p before it is proven that they are what they
 * are called. An open gate says that the hook of scx_bypass() was called, too: nothing else
 * starts the guard.
 */
static __always_inline bool hook_is_for_bypass_dsq(struct scx_dispatch_q *dsq,
						   struct task_struct *p, u64 enq_flags)
{
	return state_is_redirecting() && gate_is_open() && dsq->id == SCX_DSQ_GLOBAL &&
	       kern_cpu_bypassing(task_cpu(p)) &&
	       !(enq_flags & kern_layout.enq_dsq_priq);
}

/*
 * The other two functions have a form with a struct scx_sched and, from before a kernel
 * could have several schedulers, one without. HOOK_FORM() makes the hooks of one form. If the
 * scheduler is not the one that is loaded, arguments are not where they should be, see proof.c.
 */
#define HOOK_FORM(form, SCH_PARAM, SCH, args_are_whole)					\
typedef void hook_enqueue##form##_fn(SCH_PARAM struct scx_dispatch_q *dsq,		\
				     struct task_struct *p, u64 enq_flags);		\
typedef bool hook_consume##form##_fn(SCH_PARAM struct rq *rq, struct scx_dispatch_q *dsq); \
DEFINE_STATIC_CALL_NULL(body_dispatch_enqueue##form, hook_enqueue##form##_fn);		\
DEFINE_STATIC_CALL_NULL(body_consume_dispatch_q##form, hook_consume##form##_fn);	\
											\
static void __used hook_dispatch_enqueue##form(SCH_PARAM struct scx_dispatch_q *dsq,	\
					       struct task_struct *p, u64 enq_flags)	\
{											\
	if ((args_are_whole) && hook_is_for_bypass_dsq(dsq, p, enq_flags))		\
		policy_enqueue(dsq, p, enq_flags);					\
	else										\
		static_call(body_dispatch_enqueue##form)(SCH dsq, p, enq_flags);	\
}											\
											\
static __always_inline bool hook_consume##form(SCH_PARAM struct rq *rq,			\
					       struct scx_dispatch_q *dsq)		\
{											\
	struct policy_pick pick;							\
	struct scx_dispatch_q *from;							\
											\
	if (dsq->id != SCX_DSQ_GLOBAL)							\
		return static_call(body_consume_dispatch_q##form)(SCH rq, dsq);		\
											\
	policy_begin(&pick, kern_rq_cpu(rq), dsq);					\
	while ((from = policy_next(&pick))) {						\
		if (static_call(body_consume_dispatch_q##form)(SCH rq, from)) {		\
			policy_picked(&pick, from, rq);					\
			return true;							\
		}									\
	}										\
	return false;									\
}

/* the first parameter and argument, with the comma behind it */
#define HOOK_SCH_PARAM	struct scx_sched *sch,
#define HOOK_SCH	sch,
#define HOOK_NOTHING

HOOK_FORM(_sch, HOOK_SCH_PARAM, HOOK_SCH, likely(kern_is_loaded_sched(sch)))
HOOK_FORM(_nosch, HOOK_NOTHING, HOOK_NOTHING, true)

static bool __used hook_consume_dispatch_q_nosch(struct rq *rq, struct scx_dispatch_q *dsq)
{
	return hook_consume_nosch(rq, dsq);
}

static bool __used hook_consume_dispatch_q_sch(struct scx_sched *sch, struct rq *rq,
					       struct scx_dispatch_q *dsq)
{
	switch (proof_consume_args(sch, rq, dsq)) {
	case PROOF_ARGS_WHOLE:
		return hook_consume_sch(sch, rq, dsq);
	case PROOF_ARGS_SHORT:
		return hook_consume_nosch((struct rq *)sch, (struct scx_dispatch_q *)rq);
	default:
		/* the registers go on as they came, whatever they hold */
		return static_call(body_consume_dispatch_q_sch)(sch, rq, dsq);
	}
}

DEFINE_GATE(hook_dispatch_enqueue_sch);
DEFINE_GATE(hook_dispatch_enqueue_nosch);
DEFINE_GATE(hook_consume_dispatch_q_sch);
DEFINE_GATE(hook_consume_dispatch_q_nosch);

#define HOOK_ENTRY(_id, name, form, prototype) {			\
	.id = (_id),							\
	.body = KERN_FUNC(name, body_##name##form, prototype),		\
	.func = hook_##name##form,					\
	.gate = gate_hook_##name##form,					\
}

/* All forms that the functions have had; a kernel has one of each. */
const struct hook hook_forms[] = {
	{
		.id = HOOK_BYPASS,
		.body = KERN_FUNC(scx_bypass, body_scx_bypass, "void(bool)"),
		.func = hook_scx_bypass,
	}, {
		.id = HOOK_BYPASS,
		.body = KERN_FUNC(scx_ops_bypass, body_scx_bypass, "void(bool)"),
		.func = hook_scx_bypass,
	}, {
		.id = HOOK_RCU,
		.body = KERN_FUNC(synchronize_rcu, body_synchronize_rcu, "void()"),
		.func = hook_synchronize_rcu,
	},
	HOOK_ENTRY(HOOK_ENQUEUE, dispatch_enqueue, _sch,
		   "void(*scx_sched,*scx_dispatch_q,*task_struct,u64)"),
	HOOK_ENTRY(HOOK_ENQUEUE, dispatch_enqueue, _nosch,
		   "void(*scx_dispatch_q,*task_struct,u64)"),
	HOOK_ENTRY(HOOK_CONSUME, consume_dispatch_q, _sch,
		   "bool(*scx_sched,*rq,*scx_dispatch_q)"),
	HOOK_ENTRY(HOOK_CONSUME, consume_dispatch_q, _nosch,
		   "bool(*rq,*scx_dispatch_q)"),
	{ }
};
