/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one interface to what the running kernel keeps to itself.
 *
 * Functions that are not exported are called as static_call(kern_NAME)(...).
 * A static call is a direct branch in the text: with IBT, kCFI or retpolines
 * there is no indirect branch that could fault.
 *
 * The layout of struct rq is in no header. verify_kernel() takes the offsets
 * and enum values from the kernel's own BTF.
 */
#ifndef KERN_H
#define KERN_H

#include <linux/hrtimer.h>
#include <linux/jump_label.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/sched/ext.h>

#include "kern/funcs.h"

/* Others read @var all the time: do not take the cache line from them without need. */
#define KERN_SET(var, value) do {			\
	typeof(var) _value = (value);			\
	if (READ_ONCE(var) != _value)			\
		WRITE_ONCE(var, _value);		\
} while (0)

struct sched_domain;

/* numbered as 6.19 numbers its own */
#define SCX_DSQ_BYPASS	((u64)SCX_DSQ_FLAG_BUILTIN | 3)

/* the value of SCX_OPSS_NONE, which is in no header */
#define KERN_OPSS_NONE	0

/* a mutex has no more than three flags in its owner's address */
#define KERN_OWNER_ALIGN	8

/*
 * What the running kernel's symbols and BTF say. Written once, by resolve_kernel() and
 * verify_kernel().
 */
struct kern_layout {
	/* where members are, in bytes; of rq.scx and rq.rt, too */
	u32 rq_cpu;
	u32 rq_curr;
	u32 rq_scx_flags;
	u32 rq_nr_running;
	u32 rq_local_dsq;
	u32 rq_scx_nr_running;
	u32 rq_rt_nr_running;
	u32 rq_sd;
#ifdef CONFIG_LOCKDEP
	u32 rq_lock;
	u32 rq_core;
	u32 rq_core_enabled;
#endif
	/* where task_struct.sched_reset_on_fork is, in bits */
	u32 task_resets_on_fork;
	/* SCX_RQ_* */
	u64 rq_online;
	u64 rq_bypassing;
	/* SCX_ENQ_* */
	u64 enq_head;
	u64 enq_preempt;
	u64 enq_clear_opss;
	u64 enq_dsq_priq;
	/* whether a scheduler is loaded, and the value if none is */
	const atomic_t *sched_state;
	u64 sched_unloaded;
	/* which one; NULL in kernels that can only have one */
	struct scx_sched **sched_root;
	/* has it all tasks of the fair class? */
	struct static_key *switched_all;
	const struct sched_class *fair_class;
	/* held by a task that attaches a scheduler, and by the one that removes it */
	const struct mutex *sched_mutex;
	void __percpu *runqueues;
};

extern struct kern_layout kern_layout;
/* Of KERN_FUNCS(). Behind the last one is one that is all zero. */
extern const struct kern_func kern_funcs[];

/* What unload waits for may take for ever, and must not hold up a suspend meanwhile. */
static inline void kern_wait_freezable(long jiffies)
{
	set_current_state(TASK_IDLE | TASK_FREEZABLE);
	schedule_timeout(jiffies);
}

static inline struct rq *kern_cpu_rq(int cpu)
{
	return per_cpu_ptr(kern_layout.runqueues, cpu);
}

static inline int kern_rq_cpu(const struct rq *rq)
{
	return *(const int *)((const char *)rq + kern_layout.rq_cpu);
}

/* Kernels before 6.13 have no hrtimer_setup(); Kbuild looks. */
static inline void kern_hrtimer_setup(struct hrtimer *timer,
				      enum hrtimer_restart (*fn)(struct hrtimer *),
				      clockid_t clock, enum hrtimer_mode mode)
{
#ifdef HAVE_HRTIMER_SETUP
	hrtimer_setup(timer, fn, clock, mode);
#else
	hrtimer_init(timer, clock, mode);
	timer->function = fn;
#endif
}

/* A member of @cpu's rq. It may change under the reader unless it holds the rq's lock. */
static inline u32 kern_rq_u32(int cpu, u32 offset)
{
	return READ_ONCE(*(const u32 *)((const char *)kern_cpu_rq(cpu) + offset));
}

/* How many tasks of sched_ext run or wait on @cpu? Racy without its rq's lock. */
static inline u32 kern_cpu_nr_tasks(int cpu)
{
	return kern_rq_u32(cpu, kern_layout.rq_scx_nr_running);
}

/* How many tasks of all classes run or wait on @cpu? Racy without its rq's lock. */
static inline u32 kern_cpu_nr_running(int cpu)
{
	return kern_rq_u32(cpu, kern_layout.rq_nr_running);
}

/*
 * How many tasks of other scheduling classes run or wait on @cpu? Racy without its
 * rq's lock. Real-time and deadline tasks run before sched_ext's, and with
 * SCX_OPS_SWITCH_PARTIAL those of the fair class do so too.
 */
static inline u32 kern_cpu_nr_others(int cpu)
{
	u32 nr = kern_cpu_nr_running(cpu), nr_scx = kern_cpu_nr_tasks(cpu);

	return nr > nr_scx ? nr - nr_scx : 0;
}

/* How many real-time tasks run or wait on @cpu? Racy without its rq's lock. */
static inline u32 kern_cpu_nr_realtime(int cpu)
{
	return kern_rq_u32(cpu, kern_layout.rq_rt_nr_running);
}

/* Does @rq's CPU run its idle task? Racy without the lock. Interrupts are off. */
static inline bool kern_rq_idles(const struct rq *rq)
{
	return is_idle_task(READ_ONCE(*(struct task_struct *const *)((const char *)rq +
								     kern_layout.rq_curr)));
}

/* Have @rq's CPU pick a task if it idles. Returns whether it does. @rq is locked. */
static inline bool kern_rq_wake_idle(struct rq *rq)
{
	bool idles = kern_rq_idles(rq);

	if (idles)
		static_call(kern_resched_curr)(rq);
	return idles;
}

/* Where a CPU puts the tasks that it has picked, until it runs them. */
static inline struct scx_dispatch_q *kern_local_dsq(struct rq *rq)
{
	return (void *)rq + kern_layout.rq_local_dsq;
}

static inline bool kern_cpu_bypassing(int cpu)
{
	return kern_rq_u32(cpu, kern_layout.rq_scx_flags) & kern_layout.rq_bypassing;
}

/*
 * May tasks be sent to @cpu's bypass DSQ? As in the kernel, both tests: the
 * flag is what sched_ext has seen, cpu_active() leads it on the way down.
 */
static inline bool kern_cpu_schedulable(int cpu)
{
	return cpu_active(cpu) &&
	       (kern_rq_u32(cpu, kern_layout.rq_scx_flags) & kern_layout.rq_online);
}

/*
 * Is bypass on? scx_bypass() gives every possible CPU the same flag before it
 * returns, so that any one of them is enough.
 */
static inline bool kern_bypassing(void)
{
	return kern_cpu_bypassing(cpumask_first(cpu_possible_mask));
}

/*
 * Is a scheduler loaded, being loaded or being unloaded? Some kernels stay in
 * bypass for good after they have failed to load one.
 */
static inline bool kern_sched_loaded(void)
{
	return atomic_read(kern_layout.sched_state) != kern_layout.sched_unloaded;
}

/*
 * The task that attaches a scheduler, or removes one: only to be compared with others. The low
 * bits of a mutex's owner are flags.
 */
static inline const struct task_struct *kern_enable_mutex_owner(void)
{
#ifdef CONFIG_PREEMPT_RT
	unsigned long owner = (unsigned long)READ_ONCE(kern_layout.sched_mutex->rtmutex.owner);
#else
	unsigned long owner = atomic_long_read(&kern_layout.sched_mutex->owner);
#endif

	return (const struct task_struct *)round_down(owner, KERN_OWNER_ALIGN);
}

/* Is @address that of the loaded scheduler? For kernels with a struct scx_sched. */
static inline bool kern_is_loaded_sched(const void *address)
{
	return address && address == READ_ONCE(*kern_layout.sched_root);
}

/* Does the loaded scheduler have all tasks of the fair class? That one does not balance then. */
static inline bool kern_all_switched(void)
{
	return static_key_enabled(kern_layout.switched_all);
}

/* Is @p in the fair class? Without its pi_lock or its rq's lock this may be out of date. */
static inline bool kern_task_is_fair(const struct task_struct *p)
{
	return READ_ONCE(p->sched_class) == kern_layout.fair_class;
}

/* Do new tasks of @p begin with the default policy? */
static inline bool kern_task_resets_on_fork(const struct task_struct *p)
{
	u32 bit = kern_layout.task_resets_on_fork;

	return READ_ONCE(((const u8 *)p)[bit / BITS_PER_BYTE]) & BIT(bit % BITS_PER_BYTE);
}

/* The lowest scheduling domain of @cpu, NULL if it has none. RCU protects it. */
static inline struct sched_domain __rcu **kern_cpu_domain(int cpu)
{
	return (void *)kern_cpu_rq(cpu) + kern_layout.rq_sd;
}

/* Is bypass on with a scheduler loaded? Only then is there anything to do. */
static inline bool kern_sched_is_bypassed(void)
{
	return kern_bypassing() && kern_sched_loaded();
}

static inline void kern_rq_lock(struct rq *rq)
{
	static_call(kern_raw_spin_rq_lock_nested)(rq, 0);
}

static inline bool kern_rq_trylock(struct rq *rq)
{
	return static_call(kern_raw_spin_rq_trylock)(rq);
}

static inline void kern_rq_unlock(struct rq *rq)
{
	static_call(kern_raw_spin_rq_unlock)(rq);
}

static inline void kern_rq_lock_irq(struct rq *rq)
{
	local_irq_disable();
	kern_rq_lock(rq);
}

static inline void kern_rq_unlock_irq(struct rq *rq)
{
	kern_rq_unlock(rq);
	local_irq_enable();
}

/* With core scheduling the run queues of a core have one lock. Only lockdep knows. */
static inline void kern_assert_rq_locked(int cpu)
{
#ifdef CONFIG_LOCKDEP
	const char *rq = (const char *)kern_cpu_rq(cpu);

#ifdef CONFIG_SCHED_CORE
	if (READ_ONCE(*(const u32 *)(rq + kern_layout.rq_core_enabled)))
		rq = READ_ONCE(*(const char * const *)(rq + kern_layout.rq_core));
#endif
	lockdep_assert_held((const raw_spinlock_t *)(rq + kern_layout.rq_lock));
#endif
}

#endif /* KERN_H */
