// SPDX-License-Identifier: GPL-2.0-only
/*
 * The record of the last bypass episodes.
 *
 * Queueing and picking a task only write to maxima of this CPU (count.h). The sum of all
 * queues is looked at now and then: when bypass has begun, at balancing passes, and
 * before it ends.
 */
#include <linux/ratelimit.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>

#include "queue/bypass_dsq.h"
#include "record/episode.h"

/* passes look at all queues no more often than this */
#define EPISODE_LOOK_INTERVAL	(HZ / 10)
/* an episode is worth a line in the kernel log if it is longer, or has more tasks */
#define EPISODE_LOG_NS		NSEC_PER_SEC
#define EPISODE_LOG_PER_CPU	4

/* Innermost. Protects what is below, up to episode_changes. */
static DEFINE_RAW_SPINLOCK(episode_lock);
static struct episode episode_last[EPISODE_KEPT];
/* the current one; if there is none, its number is 0 */
static struct episode episode_now;
/* bypass was seen on in it: until then, the task that begins it may not have called scx_bypass() */
static bool episode_was_on;
static u64 episode_nr_ended;
static u64 episode_ended_ns;
/* how often one has begun or ended; also read without the lock */
static unsigned int episode_changes;
/* Racy: the first pass that sees it looks. */
static unsigned long episode_next_look;

static DEFINE_RATELIMIT_STATE(episode_log_limit, DEFAULT_RATELIMIT_INTERVAL,
			      DEFAULT_RATELIMIT_BURST);

static const struct episode_task episode_unknown_task = { .comm = "-" };

static struct episode_task episode_this_task(void)
{
	struct episode_task t = { .pid = task_pid_nr(current) };

	strscpy(t.comm, current->comm, sizeof(t.comm));
	return t;
}

static u32 episode_longest_run_queue(void)
{
	u32 longest = 0;
	int cpu;

	for_each_online_cpu(cpu)
		longest = max(longest, kern_cpu_nr_running(cpu));
	return longest;
}

/*
 * What is on many CPUs, so it is looked at before the lock is taken: with thousands of CPUs
 * that takes a while.
 */
struct episode_sums {
	struct counts counts;
	u32 longest_run_queue;
	u32 longest_queue;
	u32 wait;
};

static struct episode_sums episode_measure(void)
{
	struct episode_sums sums = {
		.counts = count_sum(cpu_possible_mask),
		.longest_run_queue = episode_longest_run_queue(),
	};
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct count_cpu *c = per_cpu_ptr(&count_cpus, cpu);

		sums.longest_queue = max(sums.longest_queue, READ_ONCE(c->longest));
		sums.wait = max(sums.wait, READ_ONCE(c->wait));
	}
	return sums;
}

/* Returns with the lock held. What was measured is of the present episode, if there is one. */
static struct episode_sums episode_measure_and_lock(unsigned long *flags)
	__acquires(&episode_lock)
{
	for (;;) {
		/* before what is measured */
		unsigned int changes = smp_load_acquire(&episode_changes);
		struct episode_sums sums = episode_measure();

		raw_spin_lock_irqsave(&episode_lock, *flags);
		if (changes == episode_changes)
			return sums;
		raw_spin_unlock_irqrestore(&episode_lock, *flags);
	}
}

static void episode_begin(struct episode_task entered, const struct episode_sums *sums)
{
	int cpu;

	lockdep_assert_held(&episode_lock);

	for_each_possible_cpu(cpu) {
		WRITE_ONCE(per_cpu(count_cpus, cpu).longest, 0);
		WRITE_ONCE(per_cpu(count_cpus, cpu).wait, 0);
	}
	WRITE_ONCE(episode_changes, episode_changes + 1);
	episode_was_on = false;
	episode_now = (struct episode){
		.number = episode_nr_ended + 1,
		.begin_ns = ktime_get_mono_fast_ns(),
		.begin_real_ns = ktime_get_real_fast_ns(),
		.entered = entered,
		.nr_cpus = num_online_cpus(),
		.longest_before = sums->longest_run_queue,
		.counts = sums->counts,
	};
}

/* Returns what is kept of the episode. */
static struct episode episode_end(struct episode_task left, const struct episode_sums *sums)
{
	struct episode *e = &episode_now;
	struct episode last;
	int id;

	lockdep_assert_held(&episode_lock);

	e->longest_queue = max(e->longest_queue, sums->longest_queue);
	/* a queue may have been longest between two looks */
	e->queued_max = max(e->queued_max, e->longest_queue);
	e->wait_ms = max(e->wait_ms, jiffies_to_msecs(sums->wait));
	e->longest_after = sums->longest_run_queue;
	e->lasted_ns = ktime_get_mono_fast_ns() - e->begin_ns;
	e->left = left;
	for (id = 0; id < NR_COUNTS; id++)
		e->counts.nr[id] = sums->counts.nr[id] - e->counts.nr[id];
	WRITE_ONCE(episode_changes, episode_changes + 1);
	last = *e;
	episode_last[episode_nr_ended++ % EPISODE_KEPT] = last;
	episode_ended_ns += e->lasted_ns;
	e->number = 0;
	return last;
}

/* If @e is one, and is worth it. */
static void episode_log(const struct episode *e)
{
	if (!e->number)
		return;
	if (e->lasted_ns <= EPISODE_LOG_NS && e->queued_max <= EPISODE_LOG_PER_CPU * e->nr_cpus)
		return;
	if (!__ratelimit(&episode_log_limit))
		return;
	/* a task may give itself any name */
	pr_info("bypass lasted %llu ms, entered by task %*pE[%d], left by task %*pE[%d]: at most %u tasks queued on %u CPUs, longest queue %u, longest wait %u ms, %llu delivered, %llu moved in %llu passes\n",
		div_u64(e->lasted_ns, NSEC_PER_MSEC),
		(int)strlen(e->entered.comm), e->entered.comm, e->entered.pid,
		(int)strlen(e->left.comm), e->left.comm, e->left.pid,
		e->queued_max, e->nr_cpus, e->longest_queue, e->wait_ms,
		e->counts.nr[COUNT_DELIVERED], e->counts.nr[COUNT_MOVED],
		e->counts.nr[COUNT_PASSES]);
}

/* How long has the first task of a queue waited, in jiffies? */
static u32 episode_wait_of_first(struct scx_dispatch_q *dsq)
{
	struct task_struct *p;
	unsigned long flags;
	u32 wait = 0;

	raw_spin_lock_irqsave(&dsq->lock, flags);
	p = bypass_dsq_next(dsq, &dsq->list);
	if (p)
		wait = jiffies - READ_ONCE(p->scx.runnable_at);
	raw_spin_unlock_irqrestore(&dsq->lock, flags);
	return wait;
}

/*
 * Look at all queues: how many tasks wait, and how long has the first one of each? Racy: a task
 * that is moved meanwhile may be counted twice, or not at all. Not under a scheduler lock.
 */
static void episode_look(void)
{
	u32 queued = 0, longest = 0, wait = 0;
	unsigned long flags;
	int cpu;

	for_each_online_cpu(cpu) {
		struct bypass_cpu *bc = per_cpu_ptr(&bypass_cpus, cpu);
		u32 nr = bypass_dsq_nr(cpu);

		queued += nr + READ_ONCE(bc->urgent.nr);
		longest = max(longest, nr);
		if (nr)
			wait = max(wait, episode_wait_of_first(&bc->dsq));
	}

	raw_spin_lock_irqsave(&episode_lock, flags);
	if (episode_now.number) {
		episode_was_on |= kern_bypassing();
		episode_now.queued_max = max(episode_now.queued_max, queued);
		episode_now.longest_queue = max(episode_now.longest_queue, longest);
		episode_now.wait_ms = max(episode_now.wait_ms, jiffies_to_msecs(wait));
	}
	raw_spin_unlock_irqrestore(&episode_lock, flags);
}

/**
 * episode_before() - scx_bypass() is about to be called
 * @bypass: its argument
 *
 * Context: process, no scheduler locks held.
 */
void episode_before(bool bypass)
{
	struct episode_sums sums;
	struct episode last = {};
	unsigned long flags;

	if (!bypass) {
		episode_look();
		return;
	}
	sums = episode_measure_and_lock(&flags);
	/* the task that has ended bypass has not come to episode_after() yet */
	if (episode_now.number && episode_was_on && !kern_bypassing())
		last = episode_end(episode_unknown_task, &sums);
	if (!episode_now.number)
		episode_begin(episode_this_task(), &sums);
	raw_spin_unlock_irqrestore(&episode_lock, flags);
	episode_log(&last);
}

/**
 * episode_after() - scx_bypass() has returned, or the hooks have become active
 * @bypass: the argument of scx_bypass(), or false
 *
 * Bypass is entered and left from several sides. What counts is whether it is on now, and whether
 * it was.
 *
 * Context: process, no scheduler locks held.
 */
void episode_after(bool bypass)
{
	struct episode_task task = episode_this_task();
	struct episode_sums sums;
	struct episode last = {};
	unsigned long flags;
	bool on;

	sums = episode_measure_and_lock(&flags);
	on = kern_bypassing();
	if (on && !episode_now.number)
		episode_begin(bypass ? task : episode_unknown_task, &sums);
	episode_was_on |= on;
	if (!on && episode_was_on && episode_now.number)
		last = episode_end(task, &sums);
	raw_spin_unlock_irqrestore(&episode_lock, flags);

	episode_log(&last);
	if (on)
		episode_look();
}

/**
 * episode_pass() - a balancing pass takes place
 *
 * Context: soft interrupt or timer thread, no locks held.
 */
void episode_pass(void)
{
	unsigned long next = READ_ONCE(episode_next_look);

	if (next && time_before(jiffies, next))
		return;
	WRITE_ONCE(episode_next_look, jiffies + EPISODE_LOOK_INTERVAL);
	episode_look();
}

/**
 * episode_stop() - the hooks are no longer active: an episode that goes on ends here
 *
 * Context: process, no scheduler locks held.
 */
void episode_stop(void)
{
	struct episode_task task = episode_this_task();
	struct episode_sums sums;
	unsigned long flags;

	sums = episode_measure_and_lock(&flags);
	if (episode_now.number)
		episode_end(task, &sums);
	raw_spin_unlock_irqrestore(&episode_lock, flags);
}

/**
 * episode_totals() - the time in bypass since the module was loaded
 *
 * Context: process, interrupts on. Takes episode_lock.
 * Return: the totals, with the episode that goes on.
 */
struct episode_totals episode_totals(void)
{
	struct episode_totals t = {};

	raw_spin_lock_irq(&episode_lock);
	t.episodes = episode_nr_ended;
	t.bypass_ns = episode_ended_ns;
	if (episode_now.number) {
		t.since_ns = episode_now.begin_ns;
		t.bypass_ns += ktime_get_mono_fast_ns() - episode_now.begin_ns;
	}
	raw_spin_unlock_irq(&episode_lock);
	return t;
}

/**
 * episode_read() - one of the last episodes
 * @number: its number
 * @e: receives it
 *
 * Context: process, interrupts on. Takes episode_lock.
 * Return: whether it is still there.
 */
bool episode_read(u64 number, struct episode *e)
{
	raw_spin_lock_irq(&episode_lock);
	*e = episode_last[(number - 1) % EPISODE_KEPT];
	raw_spin_unlock_irq(&episode_lock);
	/* a newer one may have taken its place */
	return e->number == number;
}
