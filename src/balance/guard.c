// SPDX-License-Identifier: GPL-2.0-only
/*
 * What guarantees that a task on a bypass DSQ does not wait for one CPU alone.
 *
 * In bypass a CPU picks a task at least once in a tick. One that has tasks and has not
 * picked for longer does not serve them, whatever the reason: it is throttled, its tick is
 * off, a wakeup was lost. A CPU does not serve them either if a task of a higher class was there
 * at two looks, even if it picks now and then. Then every CPU of the node takes its tasks
 * (help.c), as every CPU takes them from the stock kernel's one queue of the node. If it was only
 * slow, this does no harm: its tasks run elsewhere. It is the same if a CPU is flooded: many urgent
 * tasks wait for it, for example kernel threads that have woken there at once. No pass balances
 * these.
 *
 * And a CPU that idles while tasks of its node wait is woken to look for one.
 *
 * The guard runs in the hard interrupt of a timer of the node (timing.c). That also comes
 * on a CPU where a real-time task spins, where soft interrupts and threads may not run. It
 * does not depend on bypass_lb_intv_us.
 *
 * A CPU picks a task, and puts it on its local DSQ, before it sees that a task of a higher
 * class comes first. On the stock kernel it waits there for that one. Here it is queued
 * again, and other CPUs may take it. As long as the fair class is not skipped, this is done later:
 * when the task of the higher class sleeps, that class's balancing sees that others are runnable,
 * and ends the round of the classes before sched_ext's turn. Then only a task that was picked
 * before keeps the CPU from idling.
 *
 * As long as nothing is redirected, before the proof (proof.c) and while the module is
 * unloaded, tasks wait on the global DSQs. An idle CPU looks there when it is woken, so the
 * guard wakes one at each look.
 */
#include <linux/bitops.h>
#include <linux/jiffies.h>
#include <linux/timekeeping.h>

#include "balance/guard.h"
#include "balance/lb_node.h"
#include "kern/kern.h"
#include "queue/bypass_dsq.h"
#include "record/count.h"

/* However often waking was in vain, a look may wake one in so many of the node's CPUs. */
#define GUARD_WAKE_LEAST	16

/* A look is left out for so many tasks that wait for CPUs which serve them; so many at most. */
#define GUARD_SKIP_EACH		256U
#define GUARD_SKIP_MOST		64U

/* A CPU for which so many urgent tasks wait is flooded. */
#define GUARD_URGENT_MOST	16

/* why tasks may wait on global DSQs: bits of enum guard_global_reason */
static unsigned long guard_global;

static bool guard_waits_for(const struct bypass_cpu *bc, u64 now, s64 ns)
{
	return (s64)(now - READ_ONCE(bc->guard.since_ns)) > ns;
}

/*
 * One that is going down picks, but it may not run those of its tasks that a pass has
 * moved to it, and it pushes the others away one by one.
 */
static bool guard_is_unserved(struct bypass_cpu *bc, u64 now)
{
	u32 picks = READ_ONCE(bc->nr_picks), nr_others = kern_cpu_nr_others(bc->cpu);

	if (!cpu_active(bc->cpu))
		return true;
	/* one that picks only while a task of a higher class sleeps briefly gets little done */
	if ((picks != READ_ONCE(bc->guard.picks) && !nr_others) || !READ_ONCE(bc->guard.since_ns)) {
		WRITE_ONCE(bc->guard.picks, picks);
		WRITE_ONCE(bc->guard.since_ns, now);
	}
	return guard_waits_for(bc, now, nr_others ? GUARD_OTHERS_NS : GUARD_PATIENCE_NS);
}

/*
 * Wake @cpu if it idles. That needs its lock, which a CPU that has stopped in the middle of a pick,
 * such as a virtual one that its host does not run, keeps. The guard must not stop with it: the
 * next one would do so as well. So the lock is only tried. Returns whether it was woken.
 */
static bool guard_wake(int cpu)
{
	struct rq *rq = kern_cpu_rq(cpu);
	bool idles;

	if (!kern_rq_idles(rq) || !kern_rq_trylock(rq))
		return false;
	idles = kern_rq_wake_idle(rq);
	kern_rq_unlock(rq);
	return idles;
}

/*
 * Wake CPUs of @node that have nothing to run, but not more than @nr, the tasks that wait. Which of
 * them may run one of these is not known: so the next look begins where this one has ended. If the
 * ones that were woken have taken nothing, only half as many are woken the next time, down to a
 * part of the node's @nr_cpus. And looks are left out: those that are woken search long queues and
 * take the locks that the CPUs which serve their tasks need. But as many are woken as tasks wait
 * for CPUs that do not serve them, @nr_unserved of the @nr: the locks of these are not waited for
 * (help.c), so a CPU that was woken may have missed a task.
 */
static void guard_wake_idle(struct lb_node *node, u32 nr_cpus, u32 nr, u32 nr_unserved, u64 helped)
{
	u32 most = READ_ONCE(node->guard.wake_most), skip = READ_ONCE(node->guard.wake_skip);
	int cpu, from = READ_ONCE(node->guard.wake_from);
	u32 nr_served = nr - nr_unserved;
	bool woken = false;

	if (helped != READ_ONCE(node->guard.helped) || !most) {
		most = nr_cpus;
		skip = 0;
	}
	WRITE_ONCE(node->guard.helped, helped);
	nr = min(nr, max(skip && !READ_ONCE(guard_global) ? 0 : most, nr_unserved));
	for_each_cpu_wrap(cpu, node->cpus, from) {
		if (!nr)
			break;
		if (!cpu_online(cpu) || kern_cpu_nr_tasks(cpu) || kern_cpu_nr_others(cpu) ||
		    !guard_wake(cpu))
			continue;
		WRITE_ONCE(node->guard.wake_from, cpu + 1);
		woken = true;
		nr--;
	}
	if (skip) {
		skip--;
	} else if (woken) {
		most = max(most / 2, DIV_ROUND_UP(nr_cpus, GUARD_WAKE_LEAST));
		skip = min(nr_served / GUARD_SKIP_EACH, GUARD_SKIP_MOST);
	}
	WRITE_ONCE(node->guard.wake_most, most);
	WRITE_ONCE(node->guard.wake_skip, skip);
}

static bool guard_is_served(const struct bypass_cpu *bc)
{
	return !READ_ONCE(bc->guard.unserved) || READ_ONCE(bc->guard.flooded);
}

/* Is there a CPU among @cpus, other than @cpu, that may run @p and serves its DSQs? */
static bool guard_may_leave(struct task_struct *p, int cpu, const struct cpumask *cpus)
{
	int other;

	for_each_cpu_and(other, cpus, cpu_active_mask)
		if (other != cpu && guard_is_served(per_cpu_ptr(&bypass_cpus, other)) &&
		    bypass_dsq_may_move(p, other))
			return true;
	return false;
}

/*
 * The first task on the local DSQ of @cpu that one of @cpus may run. The lock of the rq protects
 * that DSQ; it rarely has more than one task, and there are no cursors in it.
 */
static struct task_struct *guard_find_picked(int cpu, const struct cpumask *cpus)
{
	struct scx_dispatch_q *local = kern_local_dsq(kern_cpu_rq(cpu));
	struct task_struct *p;

	list_for_each_entry(p, &local->list, scx.dsq_list.node)
		if (guard_may_leave(p, cpu, cpus))
			return p;
	return NULL;
}

/*
 * Queue a task again that @cpu has picked and does not run. The kernel itself queues it, as
 * if it had been preempted, but in front: it was next, and without this it would still be.
 * There is rarely more than one, and the next look is soon. So the lock is not waited for, see
 * guard_wake().
 */
static void guard_requeue_picked(int cpu, const struct cpumask *cpus)
{
	struct rq *rq = kern_cpu_rq(cpu);
	struct task_struct *p = NULL;

	if (!kern_cpu_nr_others(cpu) || !kern_rq_trylock(rq))
		return;
	if (kern_cpu_bypassing(cpu) && kern_cpu_schedulable(cpu) && kern_cpu_nr_others(cpu))
		p = guard_find_picked(cpu, cpus);
	if (p) {
		static_call(kern_deactivate_task)(rq, p, 0);
		static_call(kern_activate_task)(rq, p, kern_layout.enq_head);
	}
	kern_rq_unlock(rq);
}

/**
 * guard_watch_global() - take into account whether tasks may wait on the global DSQs
 * @reason: why they would
 * @may: they may
 *
 * Context: any.
 */
void guard_watch_global(enum guard_global_reason reason, bool may)
{
	assign_bit(reason, &guard_global, may);
}

/*
 * Look whether a CPU of @node serves its DSQs, and wake it if it idles. Returns how many tasks
 * wait on them.
 */
static u32 guard_look_at(struct lb_node *node, struct bypass_cpu *bc, u64 now)
{
	bool picked = READ_ONCE(kern_local_dsq(kern_cpu_rq(bc->cpu))->nr);
	bool unserved = guard_is_unserved(bc, now), flooded;
	u32 nr;

	if (!picked && !bypass_dsq_cpu_nr(bc)) {
		unserved = false;
		/*
		 * It idles: measure from now. Not while a task runs: if it has not picked for long,
		 * or is of a higher class, a task that comes later is helped at once.
		 */
		if (!kern_cpu_nr_running(bc->cpu))
			WRITE_ONCE(bc->guard.since_ns, now);
	}
	/* with no CPU that serves its tasks, none could run what is on the local DSQ */
	if (picked && unserved && READ_ONCE(node->guard.served) &&
	    (kern_all_switched() || guard_waits_for(bc, now, GUARD_PATIENCE_NS)))
		guard_requeue_picked(bc->cpu, node->cpus);
	nr = bypass_dsq_cpu_nr(bc);
	/* tasks on the local DSQ can run on this CPU only, so nobody can help with them */
	unserved = unserved && (nr || !cpu_active(bc->cpu));
	flooded = !unserved && READ_ONCE(bc->urgent.nr) >= GUARD_URGENT_MOST;
	KERN_SET(bc->guard.flooded, flooded);
	unserved |= flooded;
	if (unserved && !READ_ONCE(bc->guard.unserved) && cpu_active(bc->cpu))
		count_add(cpumask_first(node->cpus), COUNT_UNSERVED, 1);
	KERN_SET(bc->guard.unserved, unserved);
	/*
	 * Does nothing to a CPU that does not idle. If it has tasks then, they wait on the DSQs of
	 * others, where a pass has put them, and it may take them. The hotplug thread of one that
	 * is going down waits for its last task to leave, which another CPU may have taken: only
	 * that CPU's own switch to idle wakes the thread.
	 */
	if (nr || kern_cpu_nr_tasks(bc->cpu) || !cpu_active(bc->cpu))
		guard_wake(bc->cpu);
	return nr;
}

/**
 * guard_look() - look for CPUs of a node that do not serve their DSQs, or idle
 * @node: the node
 *
 * Context: hard interrupt. Two at a time if the CPU of one did not react in between and another
 * CPU has taken over (timing.c): what this writes may then be old, until the next look. Takes
 * rq locks, each for a moment.
 */
void guard_look(struct lb_node *node)
{
	u64 now = ktime_get_mono_fast_ns();
	/* how many wait on the global DSQ is not known */
	u32 nr_waiting = READ_ONCE(guard_global) ? 1 : 0, nr_unserved = 0, nr_cpus = 0;
	bool served = false, unserved = false;
	u64 helped = 0;
	int cpu;

	for_each_cpu_and(cpu, node->cpus, cpu_online_mask) {
		struct bypass_cpu *bc = per_cpu_ptr(&bypass_cpus, cpu);
		u32 nr = guard_look_at(node, bc, now);

		nr_cpus++;
		nr_waiting += nr;
		if (guard_is_served(bc))
			served = true;
		else
			nr_unserved += nr;
		unserved |= READ_ONCE(bc->guard.unserved);
		helped += count_get(cpu, COUNT_HELPED);
	}
	KERN_SET(node->guard.unserved, unserved);
	KERN_SET(node->guard.served, served);

	guard_wake_idle(node, nr_cpus, nr_waiting, nr_unserved, helped);
}

/**
 * guard_forget() - bypass is over: what was seen is not true in the next one
 * @node: the node
 *
 * Context: as guard_look().
 */
void guard_forget(struct lb_node *node)
{
	int cpu;

	for_each_cpu(cpu, node->cpus) {
		WRITE_ONCE(per_cpu(bypass_cpus, cpu).guard.unserved, false);
		WRITE_ONCE(per_cpu(bypass_cpus, cpu).guard.flooded, false);
		WRITE_ONCE(per_cpu(bypass_cpus, cpu).guard.since_ns, 0);
	}
	WRITE_ONCE(node->guard.unserved, false);
	WRITE_ONCE(node->guard.wake_most, 0);
}
