/* SPDX-License-Identifier: GPL-2.0-only */
/* What the module's files say, see docs/ABI. */
#ifndef STATE_H
#define STATE_H

#include <stdbool.h>

typedef unsigned long long u64;

struct node_state {
	int nr;
	u64 passes, moved, delivered, helped, unserved;
	u64 hold_max_ns, last_pass_ns;
	long long last_pass_cpu;
	/* summed up from its CPUs */
	unsigned int nr_cpus, queued, longest;
	int longest_cpu;
};

struct cpu_state {
	int nr, node;
	unsigned int queued, urgent;
};

struct state {
	char version[32], backend[16];
	bool active, proven, bypass;
	u64 now_ns, since_ns, total_ns, episodes;
	u64 readers, kthreads, expedited;
	u64 intv_us, slice_us;
	bool readers_first, kthreads_first, expedite_rcu;
	int nr_nodes, nr_cpus;
	struct node_state *nodes;
	struct cpu_state *cpus;
	unsigned int queued, longest;
};

struct episode {
	u64 number, begin_ns, begin_real_ns, lasted_ns;
	u64 entered_pid, left_pid;
	char entered_task[80], left_task[80];
	u64 cpus, queued_max, longest_queue, longest_before, longest_after, longest_wait_ms;
	u64 passes, moved, delivered, helped, unserved;
};

int state_read(struct state *s);
void state_free(struct state *s);
int state_check(void);
int state_read_history(struct episode **episodes, int *nr);
char *state_read_file(const char *name, int *status);
bool state_split(char *line, char **value);

#endif /* STATE_H */
