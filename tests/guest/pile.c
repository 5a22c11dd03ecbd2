// SPDX-License-Identifier: GPL-2.0-only
/* Many tasks on one CPU's queue, in bypass, that a pass of the balancer may move. */
#include "lab.h"

/*
 * Have @count tasks wait on the first CPU's queue of each node. They are pinned to it as
 * bypass begins, so they are not delivered to other CPUs, and may run anywhere then.
 */
void pile_up_in_bypass(int count, bool both_nodes)
{
	unsigned long long passes;
	int i, first = nr_tasks();

	must_attach(SCHED_PILE);
	spawn_on(count, 0);
	if (both_nodes)
		spawn_on(count, CPUS_PER_NODE);
	must_progress(120, "under the scheduler");
	/* a CPU that the driver keeps busy would not serve its queue, and others would */
	pin_to(GUEST_CPUS - 1, GUEST_CPUS - 1);
	passes = node_status(0).passes;
	hold_bypass(true);
	if (read_long(PARAM("bypass_lb_intv_us")) && !wait_for(more_passes, &passes, 120))
		give_up("there is no first pass");
	for (i = first; i < nr_tasks(); i++)
		if (pin_to_range(task_pid(i), 0, GUEST_CPUS))
			give_up("sched_setaffinity");
	pin_to_range(0, 0, GUEST_CPUS);
}

/* Leave bypass, see that all tasks run, and unload the scheduler and the module. */
void leave_and_unload(void)
{
	pin_to_range(0, 0, GUEST_CPUS);
	hold_bypass(false);
	check(!bypass_is(true) && !total_queued(), "after bypass its queues are empty");
	check(all_progress(120), "all tasks run under the scheduler again");
	kill_tasks();
	sched_must_go();
	module_unload();
}
