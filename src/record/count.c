// SPDX-License-Identifier: GPL-2.0-only
/* Counts of what the module did, and what CPUs have seen in this episode. */
#include <linux/cpumask.h>

#include "record/count.h"

DEFINE_PER_CPU_ALIGNED(struct count_cpu, count_cpus);

const char * const count_names[NR_COUNTS] = {
	[COUNT_PASSES] = "passes",
	[COUNT_MOVED] = "moved",
	[COUNT_DELIVERED] = "delivered",
	[COUNT_HELPED] = "helped",
	[COUNT_UNSERVED] = "unserved",
	[COUNT_READERS] = "readers",
	[COUNT_KTHREADS] = "kthreads",
	[COUNT_EXPEDITED] = "expedited",
};

/**
 * count_sum() - what was counted since the module was loaded
 * @cpus: for these CPUs
 *
 * Context: any. Racy: the counts go on meanwhile.
 * Return: the sums.
 */
struct counts count_sum(const struct cpumask *cpus)
{
	struct counts sum = {};
	int cpu, id;

	for_each_cpu(cpu, cpus)
		for (id = 0; id < NR_COUNTS; id++)
			sum.nr[id] += READ_ONCE(per_cpu(count_cpus, cpu).counts.nr[id]);
	return sum;
}
