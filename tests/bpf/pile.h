/* SPDX-License-Identifier: GPL-2.0-only */
/* What the loader and the schedulers share. */
#ifndef PILE_H
#define PILE_H

/**
 * struct pile_control - in the BPF object's .bss, which the loader maps
 * @cpus_per_node: CPUs of a node, of which one is the pile CPU
 * @pile_offset: which one
 * @fail_init_at: enabling fails at this many tasks, 0 = not
 * @brief: slices of 3 ms, else the kernel's own
 * @raise_error: call scx_bpf_error() at the next enqueue
 * @stall: lose the tasks of the pile
 * @nr_inits: tasks initialized so far
 * @linger: stay in ops.exit()
 * @lingers: the thread that removes the scheduler is there
 */
struct pile_control {
	unsigned int cpus_per_node;
	unsigned int pile_offset;
	unsigned int fail_init_at;
	unsigned int brief;
	unsigned int raise_error;
	unsigned int stall;
	unsigned int nr_inits;
	unsigned int linger;
	unsigned int lingers;
};

#endif /* PILE_H */
