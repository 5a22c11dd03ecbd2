// SPDX-License-Identifier: GPL-2.0-only
/* How long the tasks that spin and count have waited for their turn. */
#include "lab.h"

#define LOOK_MS	20

/* Let all tasks run for a while. */
struct waits watch_tasks(unsigned int ms)
{
	static unsigned long count[MAX_TASKS], at[MAX_TASKS], worst[MAX_TASKS];
	unsigned long begin = work_of_tasks(), work;
	unsigned int looks = ms / LOOK_MS;
	struct waits waits = { };
	int i;

	for (i = 0; i < nr_tasks(); i++) {
		count[i] = work_of_task(i);
		at[i] = begin;
		worst[i] = 0;
	}
	while (looks--) {
		sleep_ms(LOOK_MS);
		work = work_of_tasks();
		for (i = 0; i < nr_tasks(); i++) {
			if (work - at[i] > worst[i])
				worst[i] = work - at[i];
			if (work_of_task(i) != count[i]) {
				count[i] = work_of_task(i);
				at[i] = work;
			}
		}
	}
	work = work_of_tasks() - begin;
	if (!work)
		give_up("no task runs");
	for (i = 0; i < nr_tasks(); i++) {
		if (at[i] == begin)
			waits.stuck++;
		else if (worst[i] * 100 / work > waits.longest)
			waits.longest = worst[i] * 100 / work;
	}
	return waits;
}
