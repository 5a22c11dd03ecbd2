/* SPDX-License-Identifier: GPL-2.0-only */
/* What the test cases in the guest are written with. */
#ifndef LAB_H
#define LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define __noreturn	__attribute__((noreturn))
#define __printf(a, b)	__attribute__((format(printf, a, b)))
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* report.c: to the host, on a channel of its own */
void report_open(void);
void __noreturn report_done(void);
void __printf(1, 2) info(const char *fmt, ...);
void number(const char *what, unsigned long value);
void __printf(2, 3) check(bool ok, const char *fmt, ...);
void skip(const char *what, const char *why);
void __printf(1, 2) __noreturn give_up(const char *fmt, ...);

/* sys.c: files, modules, time, figures, memory */
bool read_file(const char *path, char *buf, size_t size);
bool exists(const char *path);
bool file_has(const char *path, const char *text);
int write_file(const char *path, const char *text);
void must_write(const char *path, const char *text);
long read_long(const char *path);
int load_module(const char *path, const char *params);
int unload_module(const char *name);
void must_load(const char *name, const char *params);
void must_unload(const char *name);
unsigned long long now_ns(void);
double now(void);
void sleep_ms(unsigned int ms);
bool wait_for(bool (*cond)(void *arg), void *arg, unsigned int seconds);
bool flag_is_set(void *flag);
void sort_figures(double *figures, int nr);
void *map_shared(size_t size);
void clear_kernel_log(void);
int kernel_log_count(const char *text);
bool kernel_log_has(const char *text);
bool kernel_is_preemptible(void);
bool is_in_kernel_log(void *text);

/* module.c: the module under test */
#define MODULE		"scx_bypass_lb"
#define PARAM(name)	"/sys/module/" MODULE "/parameters/" name
#define TEST_PARAM(name) "/sys/module/scx_bypass_test/parameters/" name
#define WATCH_PARAM(name) "/sys/module/scx_bypass_watch/parameters/" name
#define STATUS		"/sys/kernel/debug/" MODULE "/status"
#define HISTORY		"/sys/kernel/debug/" MODULE "/history"

struct node_status {
	unsigned long long delivered, passes, moved, helped, unserved, hold_max_ns;
};

extern const char *target_params, *target_module;

int load_under_test(const char *params);
void module_load(const char *params);
void module_unload(void);
bool hooks_are_active(void *unused);
void hooks_must_become_active(void);
bool hooks_are_proven(void *unused);
bool kernel_is_hooked(void);
bool bypass_is(bool on);
bool bypass_is_on(void *unused);
bool bypass_is_off(void *unused);
bool backend_is(const char *name);
bool backend_would_load(const char *name);
unsigned long long status_number(const char *key);
const char *history_value(const char *key);
unsigned long long history_number(const char *key);
int balanced_length(int cpu);
int queue_length(int cpu);
int total_queued(void);
bool queues_hold(int nr);
bool node_is_listed(int node);
struct node_status node_status(int node);
bool passes_reached(void *count);
bool more_passes(void *before);
bool has_moved(void *before);
void hold_bypass(bool on);
void check_bypass(const char *when, unsigned int seconds);
void list_queues(char *line, size_t size);
void report_queues(const char *when);
void load_test_module(void);

/* case_preview.c: what check=1 says is what loading does */
void preview_must_agree(const char *when, const char *params);
void preview_backends(const char *when);

/* watch.c: CPUs that idle with tasks on their own queues */
void watch_begin(void);
void watch_end(void);

/* tasks.c: tasks that spin and count */
#define MAX_TASKS	1024
/* a policy that the C library may not know */
#ifndef SCHED_EXT
#define SCHED_EXT	7
#endif

void spawn(int nr, int node, int (*setup)(int index));
void spawn_on(int nr, int cpu);
void signal_tasks(int signal);
void kill_tasks(void);
int nr_tasks(void);
pid_t task_pid(int index);
int task_cpu_of(pid_t pid);
int most_on_run_queue(void);
bool all_progress(unsigned int seconds);
unsigned long work_of_task(int index);
unsigned long work_of_tasks(void);
void must_progress(unsigned int seconds, const char *where);
int set_priority(pid_t pid, int priority);
int pin_to(int first, int second);
int pin_to_range(pid_t pid, int first, int count);
pid_t start_child(const char *name);
void signal_children(const pid_t *children, int count, int signal);
void end_children(const pid_t *children, int count);
void tell_task(pid_t pid);
long fair_weight_of(pid_t pid);
int find_tasks(const char *prefix, pid_t *pids, int max);

/* waits.c: how long they have waited */
/**
 * struct waits - how long tasks have waited
 * @stuck: tasks that have made no step at all
 * @longest: time between two steps of any other, as what all tasks do meanwhile in percent
 *	of what they do in all the time, so that the speed of the guest does not matter
 */
struct waits {
	int stuck;
	unsigned int longest;
};

struct waits watch_tasks(unsigned int ms);

/* hog.c: a task that takes a CPU for itself */
void hogs_may_run(void);
/* above all but the driver, which has the same */
#define HOG_PRIO	50
pid_t hog_begin(int cpu, int priority);
pid_t hog_begin_soon(int cpu, int priority);
pid_t hog_begin_napping(int cpu, int priority, unsigned int ms);

/* pile.c */
void pile_up_in_bypass(int count, bool both_nodes);
void leave_and_unload(void);
/* spread.c: tasks on both nodes */
void spread_begin(int count);
void spread_end(void);
/* crowd.c: thousands of threads that spin and count */
void crowd_begin(int count, int cpu);
void crowd_pin(int first, int count);
int crowd_on(int cpu);
bool crowd_progress(unsigned int seconds);
void crowd_end(void);

/* pairs.c: tasks that wake each other */
void pairs_begin(int count);
void pairs_reset(void);
double pairs_worst_ms(void);
unsigned long pairs_rounds(void);
void pairs_end(void);

/* rcu.c: grace periods; are RCU's threads what they were? */
void note_rcu_threads(void);
bool wait_for_grace_period(void);
void check_rcu_threads(const char *when);

/* machine.c: CPUs and suspend */
extern int nr_cpus, cpus_per_node;
int set_cpu_online(int cpu, bool online);
bool plug_cpu(int cpu, bool present);
bool pm_test_available(void);
int pm_test_suspend(const char *level);

/* account.c: what has become of the tasks */
void account_for_all(bool module);

/* sched.c: BPF schedulers, and other programs */
struct bpf_object *must_load_bpf(const char *path);

enum scheduler { SCHED_PILE, SCHED_WATCHED, SCHED_GLOBAL, SCHED_PARTIAL, SCHED_GLOBAL_PARTIAL,
		 SCHED_BRIEF, SCHED_LINGERING };

struct sched_opts {
	enum scheduler which;
	unsigned int fail_init_at;
	unsigned int cpus_per_pile;	/* 0: one for each node */
	unsigned int pile_offset;	/* of these CPUs, which one the pile is on */
	bool brief;			/* its slices, so that a pile is soon round */
};

int sched_attach(const struct sched_opts *opts);
void must_attach(enum scheduler which);
void sched_load_next(void);
int sched_attach_next(void);
void must_attach_with(const struct sched_opts *opts);
void sched_close_in_child(void);
void sched_detach(void);
void sched_must_go(void);
void sched_press_sysrq(void);
void sched_must_fail_enable(int at);
void sched_raise_error(void);
void sched_stall(void);
void sched_linger(bool on);
bool sched_lingers(void *unused);
bool sched_is_off(void *unused);

/* trace.c: tracefs */
#define TRACEFS		"/sys/kernel/tracing/"
/* no grace period is expedited, as with PREEMPT_RT */
#define RCU_NORMAL	"/sys/kernel/rcu_normal"
#define MAX_PASSES	256

struct pass_event {
	int cpu;
	double time;
	unsigned int node, nr_cpus, nr_tasks, nr_balanced;
	unsigned int before_min, before_max, after_min, after_max;
};

void trace_passes(bool on);
int read_passes(struct pass_event *events, int max);
void set_probes(const char *definitions);
unsigned long probe_hits(const char *name);

/* case_storms.c */
extern unsigned int storm_seconds, storm_loads;

/* init.c: how many times as long as in the suite a case is to be */
extern int test_times;

/* case_bench.c, see bench.h for its parts */
extern const char *bench_workload, *bench_variants;
extern int bench_tasks, bench_runs, bench_samples;

/**
 * struct case_facts - what there is to know of a case, but for its name
 * @shows: one sentence
 * @unwatched: why the watch is not there, if it is not
 *
 * The rest is for the host, which reads it from the sources (tests/lab/cases.py):
 * @variants: with blanks between; there is a run for each. NULL: just "module"
 * @machines: of each variant, or one for all, by their names in tests/lab/booting.py.
 *	NULL: 8 CPUs in 2 nodes
 * @targets: "suite" or NULL: all kernels; "fire": those that have the storms; "named":
 *	those that name the case in tests/lab/kernels.py; "command": a command of its own runs it
 * @uses: what else has to be prepared for it
 * @minutes: of the host, after which the guest is lost. 0: as many as usual
 * @first: it is one of the longest, so it begins before others
 */
struct case_facts {
	const char *shows;
	const char *unwatched;
	const char *variants;
	const char *machines;
	const char *targets;
	const char *uses;
	int minutes;
	bool first;
};

/**
 * struct test_case - a case
 * @name: what it is called
 * @run: does it; @module: the variant is "module", so the module under test is to be used
 * @facts: what is behind CASE()
 */
struct test_case {
	const char *name;
	void (*run)(bool module);
	const struct case_facts *facts;
};

/*
 * CASE(name) = { .shows = "what it shows" }; registers the function case_name(), which is
 * above it in the same file. Nothing else is to be written for a case.
 */
#define CASE(_name)									\
	static const struct case_facts facts_##_name;					\
	static const struct test_case registered_##_name = {				\
		.name = #_name,								\
		.run = case_##_name,							\
		.facts = &facts_##_name,						\
	};										\
	static const struct test_case * const listed_##_name				\
		__attribute__((used, section("test_cases"))) = &registered_##_name;	\
	static const struct case_facts facts_##_name

/* where they are listed; the linker makes the names */
extern const struct test_case * const __start_test_cases[];
extern const struct test_case * const __stop_test_cases[];

/* the machine the guest is given: 8 CPUs in 2 nodes; a kernel may know nothing of nodes */
#define GUEST_CPUS		8
#define CPUS_PER_NODE	cpus_per_node

static inline bool has_nodes(void)
{
	return CPUS_PER_NODE < GUEST_CPUS;
}

#endif /* LAB_H */
