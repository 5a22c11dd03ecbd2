// SPDX-License-Identifier: GPL-2.0-only
/* Tasks that begin on both nodes and may run on any CPU; the driver stays on the last one. */
#include "lab.h"

/* Have @count tasks spin under a scheduler; on return the driver stays on the last CPU. */
void spread_begin(int count)
{
	must_attach(SCHED_GLOBAL);
	spawn(count / 2, 0, NULL);
	spawn(count / 2, 1, NULL);
	must_progress(120, "under the scheduler");
	pin_to(GUEST_CPUS - 1, GUEST_CPUS - 1);
}

/* Leave bypass, and end the tasks and the scheduler; the driver may run anywhere. */
void spread_end(void)
{
	hold_bypass(false);
	pin_to_range(0, 0, GUEST_CPUS);
	kill_tasks();
	sched_must_go();
}
