// SPDX-License-Identifier: GPL-2.0-only
/* Real programs as a load. The host has put them into the initramfs. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

/* tasks of a group of hackbench: as many send as receive */
#define GROUP		40
#define LIST(...)	((char *const []){ __VA_ARGS__, NULL })

static char *words(int n)
{
	static char text[16][16];
	static int next;
	char *one = text[next++ % ARRAY_SIZE(text)];

	snprintf(one, sizeof(text[0]), "%d", n);
	return one;
}

/* Messages through pipes, for longer than anybody looks. */
void run_hackbench(int tasks)
{
	execv("/usr/bin/hackbench",
	      LIST("hackbench", "-P", "-p", "-l", "1000000", "-g", words(tasks / GROUP ?: 1)));
}

/* System calls, forks, page faults, pipes and sleeps, a fifth of the tasks each. */
void run_stress(int tasks)
{
	char *each = words(tasks / 5 ?: 1);

	mkdir("/tmp", 0777);
	execv("/usr/bin/stress-ng",
	      LIST("stress-ng", "--quiet", "--temp-path", "/tmp", "--get", each, "--fork", each,
		   "--fault", each, "--pipe", each, "--nanosleep", each));
}
