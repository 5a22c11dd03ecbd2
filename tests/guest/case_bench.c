// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench: a scheduler is thrown out of a busy machine, as often as one likes,
 * with each of several arms in turn. Tells what came of it, one line a run; the
 * host makes tables of them.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "lab.h"
#include "../bpf/bench.h"

/*
 * What the host asks for. An arm is "stock", or "module" with parameters behind
 * it; there are commas between the words of an arm, and colons between arms.
 */
const char *bench_workload = "skew";
const char *bench_arms = "stock";
int bench_tasks = 1;
int bench_runs = 1;

/* a disable that takes so many seconds of the guest never ends */
#define LIMIT_S	300
#define HEARTBEAT_NS	1000000
#define MODULE_ARM	"module"

static struct shared {
	int go;
	unsigned long long heartbeat_max_ns;
} *shared;

static struct bpf_object *probes;
static struct bench_figures *figures;
static unsigned long long *waiting;

static unsigned long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static void *map_shared(size_t size, int fd)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);

	if (p == MAP_FAILED)
		give_up("no memory to share");
	return p;
}

static void attach_probes(void)
{
	struct bpf_program *prog;

	probes = bpf_object__open_file("/bench.bpf.o", NULL);
	if (!probes || bpf_object__load(probes))
		give_up("cannot load the bench's probes");
	bpf_object__for_each_program(prog, probes)
		if (!bpf_program__attach(prog))
			give_up("cannot attach %s", bpf_program__name(prog));
	figures = map_shared(sysconf(_SC_PAGESIZE),
			     bpf_object__find_map_fd_by_name(probes, ".bss"));
	waiting = map_shared(BENCH_PIDS * sizeof(*waiting),
			     bpf_object__find_map_fd_by_name(probes, "waiting"));
}

static void __noreturn spin(bool at_once)
{
	sched_close_in_child();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!at_once && !__atomic_load_n(&shared->go, __ATOMIC_RELAXED))
		usleep(20000);
	for (;;)
		;
}

/* A task like any other; how late is it woken at worst? */
static void __noreturn heartbeat(void)
{
	sched_close_in_child();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		unsigned long long begin = now_ns(), gap;

		nanosleep(&(struct timespec){ .tv_nsec = HEARTBEAT_NS }, NULL);
		gap = now_ns() - begin;
		if (__atomic_load_n(&shared->go, __ATOMIC_RELAXED) &&
		    gap > shared->heartbeat_max_ns)
			shared->heartbeat_max_ns = gap;
	}
}

static pid_t *pids;
static int nr_pids;

static bool start(void)
{
	pid_t pid = fork();

	if (pid < 0)
		give_up("fork failed");
	if (pid)
		pids[nr_pids++] = pid;
	return !pid;
}

static void start_spinners(bool at_once)
{
	int i;

	for (i = 0; i < bench_tasks; i++)
		if (start())
			spin(at_once);
}

static void throw_out(void)
{
	memset(figures, 0, sizeof(*figures));
	shared->heartbeat_max_ns = 0;
	figures->armed_ns = now_ns();
	must_write("/proc/sysrq-trigger", "S");
}

static bool is_disabled(void)
{
	double end = now() + LIMIT_S;

	while (now() < end) {
		if (sched_is_off(NULL))
			return true;
		usleep(500);
	}
	return false;
}

/* Those who have not had their turn yet count as well. */
static unsigned long long longest_wait(unsigned long long end)
{
	unsigned long long longest = figures->wait_max_ns;
	int i;

	for (i = 0; i < nr_pids; i++) {
		unsigned long long since = waiting[pids[i] % BENCH_PIDS];

		if (!since)
			continue;
		if (since < figures->armed_ns)
			since = figures->armed_ns;
		if (since < end && end - since > longest)
			longest = end - since;
	}
	return longest;
}

static void run_once(int arm)
{
	const struct sched_opts one_pile = {
		.which = SCHED_PILE,
		.cpus_per_pile = sysconf(_SC_NPROCESSORS_CONF),
	};
	bool fork_late = !strcmp(bench_workload, "fork");
	unsigned long long end, begin, wait;
	char graces[160];
	int i;

	nr_pids = 0;
	shared->go = 0;
	if (start())
		heartbeat();
	if (!fork_late) {
		start_spinners(false);
		shared->go = 1;
		sleep_ms(1000);
	}
	if (sched_attach(&one_pile))
		give_up("attaching the scheduler failed");
	if (fork_late) {
		shared->go = 1;
		start_spinners(true);
	} else {
		sleep_ms(200);
	}
	throw_out();
	begin = figures->armed_ns;
	check(is_disabled(), "the disable completes");
	end = now_ns();
	wait = longest_wait(end);
	figures->armed_ns = 0;
	snprintf(graces, sizeof(graces), "graces %llu grace1_us %llu grace2_us %llu grace3_us %llu",
		 figures->nr_graces, figures->grace_ns[0] / 1000, figures->grace_ns[1] / 1000,
		 figures->grace_ns[2] / 1000);
	info("run arm %d total_us %llu bypass_us %llu wait_us %llu heartbeat_us %llu %s", arm,
	     (end - begin) / 1000, (figures->bypass_end_ns - figures->bypass_begin_ns) / 1000,
	     wait / 1000, shared->heartbeat_max_ns / 1000, graces);
	for (i = 0; i < nr_pids; i++)
		kill(pids[i], SIGKILL);
	for (i = 0; i < nr_pids; i++)
		waitpid(pids[i], NULL, 0);
	sched_detach();
}

static void run_arm(int arm, const char *words)
{
	bool module = !strncmp(words, MODULE_ARM, strlen(MODULE_ARM));
	char params[256], *comma;

	if (module) {
		snprintf(params, sizeof(params), "%s", words + strlen(MODULE_ARM));
		while ((comma = strchr(params, ',')))
			*comma = ' ';
		module_load(params);
	}
	run_once(arm);
	if (module)
		module_unload();
}

void case_bench(bool module)
{
	int run, arm;

	pids = calloc(bench_tasks + 1, sizeof(*pids));
	shared = map_shared(sizeof(*shared), -1);
	attach_probes();
	for (run = 0; run < bench_runs; run++) {
		const char *words = bench_arms, *next;
		char one[256];

		for (arm = 0; words; arm++, words = next) {
			size_t len = strcspn(words, ":");

			next = words[len] ? words + len + 1 : NULL;
			snprintf(one, sizeof(one), "%.*s", (int)len, words);
			run_arm(arm, one);
		}
	}
}
