/* SPDX-License-Identifier: GPL-2.0-only */
/* What the bench's BPF programs measure, and what the driver in the guest reads. */
#ifndef BENCH_H
#define BENCH_H

/* the lower bits of a task's pid are its place in the table of tasks */
#define BENCH_PIDS	65536
/* grace periods that are remembered */
#define BENCH_GRACES	4
/* the guest's machine */
#define BENCH_CPUS	256
#define BENCH_NODES	2
#define BENCH_SAMPLES	2048

/**
 * struct bench_task - a task of the fair class or of sched_ext, no kernel thread
 * @since_ns: since when it has been waiting for a CPU, 0 = it does not wait
 * @longest_ns: its longest wait in the run @run
 * @run: a number that each run has, from 1 on
 * @due: the run at whose trigger it was waiting, until it has a CPU
 */
struct bench_task {
	unsigned long long since_ns;
	unsigned long long longest_ns;
	unsigned int run;
	unsigned int due;
};

/**
 * struct bench_sample - the queues at one moment
 * @at_ns: when, 0 = there is no such sample
 * @lengths: tasks queued for each CPU, the one that runs included
 */
struct bench_sample {
	unsigned long long at_ns;
	unsigned short lengths[BENCH_CPUS];
};

/**
 * struct bench_figures - the whole .bss of bench.bpf.o, which the driver maps
 *
 * From the driver, before a run:
 * @run: the run's number
 * @target: the value of enum scx_enable_state that is waited for
 * @nr_cpus: CPUs of the guest, half of them in each node
 * @nr_lone: so many CPUs at the end of each node are not for the load
 * @interval_ns: between two samples, at first
 * @hold_ns: for how long the machine must stay recovered
 * @limit_ns: a run that takes so long has not recovered
 * @module_queues: per-CPU address of the module's queues, if any
 *
 * Since the trigger, and 0 as long as it has not happened:
 * @armed_ns: the trigger; 0 = nothing is measured
 * @reached_ns: the state @target was reached, after another one
 * @even_ns: since then no CPU's queue is above 1.5 times an even share
 * @ran_ns: the last one of the tasks that waited at the trigger got a CPU
 * @recovered_ns: the latest one of these three
 * @done: the machine has stayed so for @hold_ns, or @limit_ns are over
 * @bypass_begin_ns: scx_bypass() was first entered
 * @bypass_end_ns: it was last left
 * @walk_ns: how long its first call took, which queues each task again
 * @nr_graces: how often the task that entered bypass has waited for RCU
 * @grace_ns: and how long each time
 *
 * @trigger_ns: from the driver, when all is over: what @armed_ns was
 *
 * For the programs themselves:
 * @state: the last value seen of enum scx_enable_state
 * @changed: it is another one than at the trigger, or has been
 * @nr_due: tasks that waited at the trigger and have not had a CPU since
 * @next_ns: when the next sample is due
 * @nr_samples: how many there are
 * @max_pid: no task has a higher place in the table
 * @worker: the task that entered bypass
 * @grace_begin_ns: since when it has been waiting for RCU
 */
struct bench_figures {
	unsigned int run;
	unsigned int target;
	unsigned int nr_cpus;
	unsigned int nr_lone;
	unsigned long long interval_ns;
	unsigned long long hold_ns;
	unsigned long long limit_ns;
	unsigned long long module_queues;

	unsigned long long armed_ns;
	unsigned long long reached_ns;
	unsigned long long even_ns;
	unsigned long long ran_ns;
	unsigned long long recovered_ns;
	unsigned int done;
	unsigned long long bypass_begin_ns;
	unsigned long long bypass_end_ns;
	unsigned long long walk_ns;
	unsigned int nr_graces;
	unsigned long long grace_ns[BENCH_GRACES];
	unsigned long long trigger_ns;

	unsigned int state;
	unsigned int changed;
	unsigned int nr_due;
	unsigned long long next_ns;
	unsigned int nr_samples;
	unsigned int max_pid;
	unsigned long long worker;
	unsigned long long grace_begin_ns;
};

#endif /* BENCH_H */
