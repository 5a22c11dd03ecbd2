// SPDX-License-Identifier: GPL-2.0-only
/*
 * The record: what the last bypass episodes were like, and counts of what the module did.
 *
 * Queueing and picking a task only write to what belongs to this CPU: its maxima of the
 * episode, see record.h. The sum of all queues is looked at now and then: when bypass has
 * begun, at balancing passes, and before it ends.
 */
#include <linux/module.h>
#include <linux/ratelimit.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>
#include <linux/string_helpers.h>
#include <linux/timekeeping.h>

#include "bypass_dsq.h"
#include "record.h"

#define NR_EPISODES		16
/* passes look at all queues no more often than this */
#define LOOK_INTERVAL		(HZ / 10)
/* an episode is worth a line in the kernel log if it is longer, or has more tasks */
#define LOG_NS			NSEC_PER_SEC
#define LOG_TASKS_PER_CPU	4

struct record_task {
	char comm[TASK_COMM_LEN];
	pid_t pid;
};

/**
 * struct episode - bypass, from off to off
 * @number: counted from 1 on
 * @begin_ns: when it began, CLOCK_MONOTONIC
 * @begin_real_ns: the same, CLOCK_REALTIME
 * @lasted_ns: how long it lasted
 * @entered: the task that made it begin; pid 0 if it had begun before the hooks
 * @left: the task that made it end
 * @nr_cpus: CPUs that were online
 * @queued_max: tasks on all bypass DSQs, the most that was seen
 * @longest_queue: the longest bypass DSQ
 * @longest_before: the longest run queue when it began, of all scheduling classes
 * @longest_after: and when it ended
 * @wait_ms: the longest time that a task was seen to have waited for a CPU
 * @counts: what was done; while the episode goes on, the counts when it began
 */
struct episode {
	u64 number;
	u64 begin_ns;
	u64 begin_real_ns;
	u64 lasted_ns;
	struct record_task entered;
	struct record_task left;
	u32 nr_cpus;
	u32 queued_max;
	u32 longest_queue;
	u32 longest_before;
	u32 longest_after;
	u32 wait_ms;
	struct record_counts counts;
};

DEFINE_PER_CPU_ALIGNED(struct record_cpu, record_cpus);

/* Innermost. Protects all below but what says otherwise. */
static DEFINE_RAW_SPINLOCK(record_lock);
static struct episode episodes[NR_EPISODES];
/* the one that goes on, if any */
static struct episode now;
static bool is_on;
static u64 nr_ended;
static u64 ended_ns;
/* Only ever grows, by one writer at a time. */
static u64 nr_expedited;
/* Racy: the first pass that sees it looks. */
static unsigned long next_look;

static DEFINE_RATELIMIT_STATE(log_limit, DEFAULT_RATELIMIT_INTERVAL, DEFAULT_RATELIMIT_BURST);

/**
 * record_node_counts() - what was done to the tasks of a node
 * @node: the node
 *
 * Context: any.
 */
struct record_counts record_node_counts(const struct lb_node *node)
{
	struct record_counts counts = {
		.passes = READ_ONCE(node->nr_passes),
		.moved = READ_ONCE(node->nr_moved),
		.delivered = READ_ONCE(node->nr_delivered),
		.unserved = READ_ONCE(node->nr_unserved),
	};
	int cpu;

	for_each_cpu(cpu, node->cpus)
		counts.helped += READ_ONCE(per_cpu(bypass_cpus, cpu).nr_helped);
	return counts;
}

static struct record_counts count_all(void)
{
	struct record_counts sum = {};
	int node;

	for_each_node_state(node, N_CPU) {
		struct record_counts c = record_node_counts(balancer_node(node));

		sum.passes += c.passes;
		sum.moved += c.moved;
		sum.delivered += c.delivered;
		sum.helped += c.helped;
		sum.unserved += c.unserved;
	}
	return sum;
}

static struct record_counts difference(struct record_counts to, const struct record_counts *from)
{
	to.passes -= from->passes;
	to.moved -= from->moved;
	to.delivered -= from->delivered;
	to.helped -= from->helped;
	to.unserved -= from->unserved;
	return to;
}

static struct record_task this_task(void)
{
	struct record_task t = { .pid = task_pid_nr(current) };

	strscpy(t.comm, current->comm, sizeof(t.comm));
	return t;
}

static u32 longest_run_queue(void)
{
	u32 longest = 0;
	int cpu;

	for_each_online_cpu(cpu)
		longest = max(longest, kern_cpu_nr_running(cpu));
	return longest;
}

/* Must be called with record_lock held and interrupts off. */
static void begin_episode(struct record_task entered)
{
	int cpu;

	lockdep_assert_held(&record_lock);

	for_each_possible_cpu(cpu) {
		WRITE_ONCE(per_cpu(record_cpus, cpu).longest, 0);
		WRITE_ONCE(per_cpu(record_cpus, cpu).wait, 0);
	}
	now = (struct episode){
		.number = nr_ended + 1,
		.begin_ns = ktime_get_mono_fast_ns(),
		.begin_real_ns = ktime_get_real_fast_ns(),
		.entered = entered,
		.nr_cpus = num_online_cpus(),
		.longest_before = longest_run_queue(),
		.counts = count_all(),
	};
	is_on = true;
}

/* Must be called with record_lock held and interrupts off. */
static void end_episode(struct record_task left)
{
	u32 wait = 0;
	int cpu;

	lockdep_assert_held(&record_lock);

	for_each_possible_cpu(cpu) {
		const struct record_cpu *rc = per_cpu_ptr(&record_cpus, cpu);

		now.longest_queue = max(now.longest_queue, READ_ONCE(rc->longest));
		wait = max(wait, READ_ONCE(rc->wait));
	}
	/* a queue may have been longest between two looks */
	now.queued_max = max(now.queued_max, now.longest_queue);
	now.wait_ms = max(now.wait_ms, jiffies_to_msecs(wait));
	now.longest_after = longest_run_queue();
	now.lasted_ns = ktime_get_mono_fast_ns() - now.begin_ns;
	now.left = left;
	now.counts = difference(count_all(), &now.counts);
	episodes[nr_ended++ % NR_EPISODES] = now;
	ended_ns += now.lasted_ns;
	is_on = false;
}

static void log_episode(const struct episode *e)
{
	if (e->lasted_ns <= LOG_NS && e->queued_max <= LOG_TASKS_PER_CPU * e->nr_cpus)
		return;
	if (!__ratelimit(&log_limit))
		return;
	/* a task may give itself any name */
	pr_info("bypass lasted %llu ms, entered by task %*pE[%d], left by task %*pE[%d]: at most %u tasks queued on %u CPUs, longest queue %u, longest wait %u ms, %llu delivered, %llu moved in %llu passes\n",
		div_u64(e->lasted_ns, NSEC_PER_MSEC),
		(int)strlen(e->entered.comm), e->entered.comm, e->entered.pid,
		(int)strlen(e->left.comm), e->left.comm, e->left.pid,
		e->queued_max, e->nr_cpus, e->longest_queue, e->wait_ms,
		e->counts.delivered, e->counts.moved, e->counts.passes);
}

/* How long has the first task of a queue waited, in jiffies? */
static u32 wait_of_first(struct scx_dispatch_q *dsq)
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

/* Look at all queues: how many tasks wait, and how long has the first one of each? */
static void record_look(void)
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
			wait = max(wait, wait_of_first(&bc->dsq));
	}

	raw_spin_lock_irqsave(&record_lock, flags);
	if (is_on) {
		now.queued_max = max(now.queued_max, queued);
		now.longest_queue = max(now.longest_queue, longest);
		now.wait_ms = max(now.wait_ms, jiffies_to_msecs(wait));
	}
	raw_spin_unlock_irqrestore(&record_lock, flags);
}

/**
 * record_before() - bypass is about to be entered or left
 * @bypass: it is to be entered
 *
 * Context: process, no scheduler locks held.
 */
void record_before(bool bypass)
{
	struct record_task task = this_task();
	unsigned long flags;

	if (!bypass) {
		record_look();
		return;
	}
	raw_spin_lock_irqsave(&record_lock, flags);
	if (!is_on)
		begin_episode(task);
	raw_spin_unlock_irqrestore(&record_lock, flags);
}

/**
 * record_after() - bypass was entered or left, or the hooks have become active
 *
 * Bypass is entered and left from several sides. What counts is whether it is on now.
 *
 * Context: process, no scheduler locks held.
 */
void record_after(void)
{
	struct record_task nobody = { .comm = "-" };
	struct record_task task = this_task();
	bool ended = false, on;
	struct episode last;
	unsigned long flags;

	raw_spin_lock_irqsave(&record_lock, flags);
	on = kern_bypassing();
	if (on && !is_on)
		begin_episode(nobody);
	if (!on && is_on) {
		end_episode(task);
		last = now;
		ended = true;
	}
	raw_spin_unlock_irqrestore(&record_lock, flags);

	if (ended)
		log_episode(&last);
	else if (on)
		record_look();
}

/**
 * record_pass() - a balancing pass takes place
 *
 * Context: soft interrupt or timer thread, no locks held.
 */
void record_pass(void)
{
	unsigned long next = READ_ONCE(next_look);

	if (next && time_before(jiffies, next))
		return;
	WRITE_ONCE(next_look, jiffies + LOOK_INTERVAL);
	record_look();
}

/**
 * record_expedited() - RCU grace periods are expedited from now on
 *
 * Context: process, one at a time.
 */
void record_expedited(void)
{
	WRITE_ONCE(nr_expedited, nr_expedited + 1);
}

/**
 * record_stop() - the hooks are no longer active: an episode that goes on ends here
 *
 * Context: process, no scheduler locks held.
 */
void record_stop(void)
{
	struct record_task task = this_task();
	unsigned long flags;

	raw_spin_lock_irqsave(&record_lock, flags);
	if (is_on)
		end_episode(task);
	raw_spin_unlock_irqrestore(&record_lock, flags);
}

/**
 * record_totals() - counts since the module was loaded
 *
 * Context: process.
 */
struct record_totals record_totals(void)
{
	struct record_totals t = { .expedited = READ_ONCE(nr_expedited) };
	int cpu;

	for_each_possible_cpu(cpu) {
		t.readers += READ_ONCE(per_cpu(record_cpus, cpu).nr_readers);
		t.kthreads += READ_ONCE(per_cpu(record_cpus, cpu).nr_kthreads);
	}

	raw_spin_lock_irq(&record_lock);
	t.episodes = nr_ended;
	t.bypass_ns = ended_ns;
	if (is_on) {
		t.since_ns = now.begin_ns;
		t.bypass_ns += ktime_get_mono_fast_ns() - now.begin_ns;
	}
	raw_spin_unlock_irq(&record_lock);
	return t;
}

static void show_task(struct seq_file *m, const char *key, const struct record_task *t)
{
	seq_printf(m, "%s_pid: %d\n%s_task: ", key, t->pid, key);
	/* a task may give itself any name */
	seq_escape_str(m, t->comm, ESCAPE_SPACE | ESCAPE_SPECIAL | ESCAPE_NP, "");
	seq_putc(m, '\n');
}

static void show_episode(struct seq_file *m, const struct episode *e)
{
	seq_printf(m, "episode: %llu\n", e->number);
	seq_printf(m, "begin_ns: %llu\n", e->begin_ns);
	seq_printf(m, "begin_real_ns: %llu\n", e->begin_real_ns);
	seq_printf(m, "lasted_ns: %llu\n", e->lasted_ns);
	show_task(m, "entered", &e->entered);
	show_task(m, "left", &e->left);
	seq_printf(m, "cpus: %u\n", e->nr_cpus);
	seq_printf(m, "queued_max: %u\n", e->queued_max);
	seq_printf(m, "longest_queue: %u\n", e->longest_queue);
	seq_printf(m, "longest_before: %u\n", e->longest_before);
	seq_printf(m, "longest_after: %u\n", e->longest_after);
	seq_printf(m, "longest_wait_ms: %u\n", e->wait_ms);
	seq_printf(m, "passes: %llu\n", e->counts.passes);
	seq_printf(m, "moved: %llu\n", e->counts.moved);
	seq_printf(m, "delivered: %llu\n", e->counts.delivered);
	seq_printf(m, "helped: %llu\n", e->counts.helped);
	seq_printf(m, "unserved: %llu\n", e->counts.unserved);
}

/**
 * record_show() - write the record, the oldest episode first
 * @m: where to
 *
 * Context: process.
 */
void record_show(struct seq_file *m)
{
	u64 end, i;

	raw_spin_lock_irq(&record_lock);
	end = nr_ended;
	raw_spin_unlock_irq(&record_lock);

	for (i = end > NR_EPISODES ? end - NR_EPISODES : 0; i < end; i++) {
		struct episode e;

		raw_spin_lock_irq(&record_lock);
		e = episodes[i % NR_EPISODES];
		raw_spin_unlock_irq(&record_lock);
		/* a newer one may have taken its place */
		if (e.number != i + 1)
			continue;
		show_episode(m, &e);
		seq_putc(m, '\n');
	}
}
