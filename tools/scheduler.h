/* SPDX-License-Identifier: GPL-2.0-only */
/* The BPF scheduler, as the kernel tells of it. */
#ifndef SCHEDULER_H
#define SCHEDULER_H

#include <stddef.h>

/**
 * struct scheduler - the state of sched_ext
 * @state: enabling, enabled, disabling, disabled
 * @name: the scheduler's name, "" if there is none
 * @events: lines "NAME NUMBER", NULL if the kernel has none; to be freed
 * @exit: what the kernel log says of the last scheduler that went, "" if nothing;
 *        see scheduler_find_exit()
 */
struct scheduler {
	char state[32];
	char name[128];
	char *events;
	char exit[256];
};

void scheduler_read(struct scheduler *s);
void scheduler_find_exit(struct scheduler *s);
void scheduler_free(struct scheduler *s);

#endif /* SCHEDULER_H */
