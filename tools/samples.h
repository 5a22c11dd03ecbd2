/* SPDX-License-Identifier: GPL-2.0-only */
/* Queue lengths over a bypass episode. */
#ifndef SAMPLES_H
#define SAMPLES_H

#include "command.h"
#include "state.h"

/**
 * struct samples - what was seen of an episode
 * @nr: how many
 * @nr_cpus: queues in each
 * @ns: when each was taken, from the first one on
 * @queues: of each, the length of every CPU's queue
 * @cpus: the numbers of the CPUs
 * @nodes: and the node of each
 * @ended: bypass has ended, so this is all of it
 */
struct samples {
	int nr, nr_cpus;
	u64 *ns;
	unsigned int *queues;
	int *cpus, *nodes;
	bool ended;
};

int samples_take(struct samples *samples, const struct options *o);
void samples_free(struct samples *samples);

#endif /* SAMPLES_H */
