// SPDX-License-Identifier: GPL-2.0-only
/* What a machine does while its scheduler is thrown out. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define HEARTBEAT_NS	1000000
/* how long tasks run before the scheduler is thrown out */
#define WARM_UP_MS	300
#define NR_GROUPS	20

static struct shared {
	int go;
	unsigned long long beat_ns;	/* the heartbeat's last one */
	unsigned long long since_ns;	/* what was before does not count */
	int measuring;
	unsigned long long gap_max_ns[2];	/* before that, and while measuring */
} *shared;

static pid_t *pids;
static int nr_pids;

static void __noreturn spin(int index)
{
	for (;;)
		;
}

static void busy_for(unsigned int us)
{
	unsigned long long end = now_ns() + us * 1000ull;

	while (now_ns() < end)
		;
}

/* Sleeps and wakes. */
static void __noreturn doze(int index)
{
	srandom(index + 1);
	for (;;) {
		busy_for(100 + random() % 400);
		usleep(1000 + random() % 20000);
	}
}

/* Each write to a terminal is work for a kernel worker. */
static void __noreturn type(int index)
{
	char name[64], buf[64] = "";
	struct termios raw;
	int master, slave;

	master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
	if (master < 0 || grantpt(master) || unlockpt(master) ||
	    ptsname_r(master, name, sizeof(name)))
		_exit(1);
	slave = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK);
	if (slave < 0 || tcgetattr(slave, &raw))
		_exit(1);
	cfmakeraw(&raw);
	tcsetattr(slave, TCSANOW, &raw);
	for (;;) {
		if (write(master, buf, sizeof(buf)) < 0)
			usleep(1000);
		while (read(slave, buf, sizeof(buf)) > 0)
			;
	}
}

static void __noreturn mix(int index)
{
	if (index % 4 == 0)
		doze(index);
	if (index % 4 == 1)
		type(index);
	spin(index);
}

/* In groups that each have an eighth of the machine, at another place. */
static void __noreturn spin_in_group(int index)
{
	int nr = nr_cpus;

	if (pin_to_range(0, index % NR_GROUPS * nr / NR_GROUPS, nr / 8 ?: 1))
		_exit(1);
	spin(index);
}

static const struct bench_load loads[] = {
	{ "fork", SCHED_PILE, spin, .begins_late = true },
	{ "skew", SCHED_PILE, spin },
	{ "wake", SCHED_PILE, doze },
	{ "mixed", SCHED_PILE, mix },
	{ "pinned", SCHED_GLOBAL, spin_in_group },
	{ "looks", SCHED_GLOBAL, spin_in_group, .counts_looks = true },
	{ "queues", SCHED_PILE, spin, .samples = true },
};

const struct bench_load *bench_load(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(loads); i++)
		if (!strcmp(loads[i].name, name))
			return &loads[i];
	give_up("no load is called '%s'", name);
}

static unsigned long long gap_at(unsigned long long time)
{
	unsigned long long begin = shared->beat_ns;

	if (begin < shared->since_ns)
		begin = shared->since_ns;
	return begin < time ? time - begin : 0;
}

/* A task like any other, which would run every millisecond. */
static void __noreturn heartbeat(void)
{
	for (;;) {
		int measuring = __atomic_load_n(&shared->measuring, __ATOMIC_ACQUIRE);
		unsigned long long gap = gap_at(now_ns());

		if (gap > shared->gap_max_ns[measuring])
			shared->gap_max_ns[measuring] = gap;
		shared->beat_ns = now_ns();
		nanosleep(&(struct timespec){ .tv_nsec = HEARTBEAT_NS }, NULL);
	}
}

/* Until now; it may not have come back yet. */
unsigned long long load_heartbeat_gap_ns(void)
{
	unsigned long long gap = gap_at(now_ns());

	return gap > shared->gap_max_ns[1] ? gap : shared->gap_max_ns[1];
}

/* Returns true in the child. */
static bool start(void)
{
	pid_t pid = fork();

	if (pid < 0)
		give_up("fork failed");
	if (pid) {
		pids[nr_pids++] = pid;
		return false;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sched_close_in_child();
	return true;
}

static void start_tasks(const struct bench_load *load, int tasks)
{
	int i;

	for (i = 0; i < tasks; i++) {
		if (!start())
			continue;
		while (!load->begins_late && !__atomic_load_n(&shared->go, __ATOMIC_RELAXED))
			usleep(50000);
		load->task(i);
	}
}

/* Before the scheduler comes: tasks that wait until it is there. */
void load_start(const struct bench_load *load, int tasks)
{
	if (!shared) {
		shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		pids = calloc(tasks + 1, sizeof(*pids));
		mkdir("/dev/pts", 0755);
		mount("devpts", "/dev/pts", "devpts", 0, "ptmxmode=0666,max=100000");
		if (shared == MAP_FAILED || !pids)
			give_up("no memory for the load");
	}
	nr_pids = 0;
	memset(shared, 0, sizeof(*shared));
	if (start())
		heartbeat();
	if (!load->begins_late)
		start_tasks(load, tasks);
}

/* But the heartbeat, which is the first. */
static void pin_all(int cpus)
{
	int i;

	for (i = 1; i < nr_pids; i++)
		if (pin_to_range(pids[i], 0, cpus))
			give_up("cannot set the CPUs of a task");
}

/* All tasks on CPU 0, and free to go. */
static void pile_up(void)
{
	pin_all(1);
	pin_all(nr_cpus);
}

/* When it is there. */
void load_release(const struct bench_load *load, int tasks)
{
	shared->go = 1;
	if (load->begins_late)
		start_tasks(load, tasks);
	else
		sleep_ms(WARM_UP_MS);
	if (load->which == SCHED_PILE && !load->begins_late)
		pile_up();
	shared->since_ns = now_ns();
	__atomic_store_n(&shared->measuring, 1, __ATOMIC_RELEASE);
}

void load_stop(void)
{
	end_children(pids, nr_pids);
}

/* 0 behind the last one. */
pid_t load_pid(int index)
{
	return index < nr_pids ? pids[index] : 0;
}
