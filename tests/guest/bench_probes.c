// SPDX-License-Identifier: GPL-2.0-only
/* What the bench's BPF programs see. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bench.h"
#include "../bpf/bench.h"

/* values of enum scx_enable_state, of the kernel */
#define STATE_ENABLED	1
#define STATE_DISABLED	3
/* The machine must stay recovered for so long, and is given up after so long. */
#define HOLD_NS		10000000ull
#define LIMIT_NS	5000000000ull
/* between two samples at first: taking one is work for each CPU */
#define INTERVAL_NS	100000ull
#define INTERVAL_CPU_NS	4000ull
#define NAP_MS		10

static struct bpf_object *probes;
static struct bench_figures *figures;
static struct bench_task *tasks;
static struct bench_sample *samples;
static unsigned int nr_runs;

static void *map_memory(size_t size, const char *map)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
		       bpf_object__find_map_fd_by_name(probes, map), 0);

	if (p == MAP_FAILED)
		give_up("cannot map %s", map);
	return p;
}

/* In 6.12 scx_bypass() has another name. */
static bool exists_here(const struct bpf_program *prog)
{
	const char *function = strchr(bpf_program__section_name(prog), '/');

	return !function || !strncmp(bpf_program__section_name(prog), "tp_btf", strlen("tp_btf")) ||
	       libbpf_find_vmlinux_btf_id(function + 1, BPF_TRACE_FENTRY) > 0;
}

void probes_attach(void)
{
	struct bpf_program *prog;

	probes = bpf_object__open_file("/bench.bpf.o", NULL);
	if (!probes)
		give_up("cannot open the bench's probes");
	bpf_object__for_each_program(prog, probes)
		bpf_program__set_autoload(prog, exists_here(prog));
	if (bpf_object__load(probes))
		give_up("cannot load the bench's probes");
	bpf_object__for_each_program(prog, probes)
		if (bpf_program__autoload(prog) &&
		    bpf_program__type(prog) == BPF_PROG_TYPE_TRACING && !bpf_program__attach(prog))
			give_up("cannot attach %s", bpf_program__name(prog));
	figures = map_memory(sysconf(_SC_PAGESIZE), ".bss");
	tasks = map_memory(BENCH_PIDS * sizeof(*tasks), "tasks");
	samples = map_memory(BENCH_SAMPLES * sizeof(*samples), "samples");
}

/* Where the module has its queues, as an offset for each CPU; 0 without it. */
static unsigned long long module_queues(void)
{
	unsigned long long address = 0;
	char line[256], name[128], module[128];
	FILE *f = fopen("/proc/kallsyms", "r");

	while (f && fgets(line, sizeof(line), f)) {
		unsigned long long a;

		if (sscanf(line, "%llx %*c %127s %127s", &a, name, module) == 3 &&
		    !strcmp(name, "bypass_cpus") && !strcmp(module, "[" MODULE "]"))
			address = a;
	}
	if (f)
		fclose(f);
	return address;
}

/* The trigger comes next. */
void probes_arm(const struct bench_load *load)
{
	const struct bpf_program *prog = bpf_object__find_program_by_name(probes, "bench_arm");
	unsigned long long interval = INTERVAL_CPU_NS * nr_cpus;
	unsigned int max_pid = figures->max_pid;
	struct bpf_test_run_opts opts = { .sz = sizeof(opts) };

	memset(figures, 0, sizeof(*figures));
	figures->run = ++nr_runs;
	figures->max_pid = max_pid;
	figures->target = load->trigger == TRIGGER_DISABLE ? STATE_DISABLED : STATE_ENABLED;
	figures->nr_cpus = nr_cpus;
	figures->nr_lone = load->has_lone;
	figures->interval_ns = interval > INTERVAL_NS ? interval : INTERVAL_NS;
	figures->hold_ns = HOLD_NS;
	figures->limit_ns = LIMIT_NS;
	figures->module_queues = module_queues();
	if (bpf_prog_test_run_opts(bpf_program__fd(prog), &opts) || opts.retval)
		give_up("cannot arm the bench's probes");
	if (figures->state != (load->trigger == TRIGGER_ENABLE ? STATE_DISABLED : STATE_ENABLED))
		give_up("the probes see state %u of sched_ext before the trigger", figures->state);
}

/* Returns whether the machine has recovered. */
bool probes_wait(void)
{
	while (!__atomic_load_n(&figures->done, __ATOMIC_ACQUIRE))
		sleep_ms(NAP_MS);
	return figures->recovered_ns;
}

static int compare(const void *a, const void *b)
{
	unsigned long long x = *(const unsigned long long *)a, y = *(const unsigned long long *)b;

	return (x > y) - (x < y);
}

/* The longest wait of each task, those included that wait still. Returns how many. */
static int collect_waits(unsigned long long *waits, unsigned long long end)
{
	unsigned int i, nr = 0;

	for (i = 0; i <= figures->max_pid; i++) {
		unsigned long long begin = tasks[i].since_ns, wait = 0;

		if (begin < figures->armed_ns)
			begin = figures->armed_ns;
		if (tasks[i].since_ns && begin < end)
			wait = end - begin;
		if (tasks[i].run == figures->run && tasks[i].longest_ns > wait)
			wait = tasks[i].longest_ns;
		if (wait || tasks[i].run == figures->run)
			waits[nr++] = wait;
	}
	qsort(waits, nr, sizeof(*waits), compare);
	return nr;
}

/*
 * What has not come is as late as can be told. A sample that was under way at the trigger has
 * read the clock before it.
 */
static unsigned long long since_trigger(unsigned long long time, unsigned long long end)
{
	time = time ?: end;
	return time > figures->armed_ns ? time - figures->armed_ns : 0;
}

/* @text: names and values */
struct outcome probes_disarm(char *text, size_t size)
{
	static unsigned long long waits[BENCH_PIDS];
	unsigned long long end = figures->recovered_ns ?: figures->armed_ns + LIMIT_NS;
	struct outcome outcome = {
		.reached = since_trigger(figures->reached_ns, end),
		.even = since_trigger(figures->even_ns, end),
		.ran = figures->nr_due ? end - figures->armed_ns :
		       figures->ran_ns ? figures->ran_ns - figures->armed_ns : 0,
		.recovered = end - figures->armed_ns,
	};
	int i, len, nr = collect_waits(waits, end);

	outcome.wait = nr ? waits[nr - 1] : 0;
	len = snprintf(text, size, "reached_us %llu even_us %llu ran_us %llu recovered_us %llu",
		       outcome.reached / 1000, outcome.even / 1000, outcome.ran / 1000,
		       outcome.recovered / 1000);
	if (nr)
		len += snprintf(text + len, size - len,
				" waited %d wait_us %llu wait50_us %llu wait99_us %llu", nr,
				outcome.wait / 1000, waits[nr / 2] / 1000,
				waits[nr - 1 - nr / 100] / 1000);
	len += snprintf(text + len, size - len, " bypass_us %llu walk_us %llu graces %u",
			(figures->bypass_end_ns - figures->bypass_begin_ns) / 1000,
			figures->walk_ns / 1000, figures->nr_graces);
	for (i = 0; i < BENCH_GRACES; i++)
		len += snprintf(text + len, size - len, " grace%d_us %llu", i + 1,
				figures->grace_ns[i] / 1000);
	figures->trigger_ns = figures->armed_ns;
	figures->armed_ns = 0;
	return outcome;
}

/* Tell the lengths of all queues that were seen until the machine had recovered. */
void probes_samples(int variant)
{
	static char text[BENCH_CPUS * 8];
	unsigned int i;

	for (i = 0; i < figures->nr_samples; i++) {
		int cpu, len = 0;

		for (cpu = 0; cpu < nr_cpus; cpu++)
			len += snprintf(text + len, sizeof(text) - len, " %u",
					samples[i].lengths[cpu]);
		info("queues %d %llu%s", variant,
		     (samples[i].at_ns - figures->trigger_ns) / 1000, text);
	}
}
