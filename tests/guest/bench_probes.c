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

static struct bpf_object *probes;
static struct bench_figures *figures;
static unsigned long long *waiting;
static struct bpf_link *balancer_link;
static unsigned long long queues_address;

unsigned long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static void *map_memory(size_t size, const char *map)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
		       bpf_object__find_map_fd_by_name(probes, map), 0);

	if (p == MAP_FAILED)
		give_up("cannot map %s", map);
	return p;
}

static bool is_of(const struct bpf_program *prog, const char *kind)
{
	return strstr(bpf_program__name(prog), kind);
}

static bool is_tracepoint(const struct bpf_program *prog)
{
	return !strncmp(bpf_program__section_name(prog), "tp_btf", strlen("tp_btf"));
}

static bool has_probe(const char *name)
{
	return bpf_program__autoload(bpf_object__find_program_by_name(probes, name));
}

/* Not every kernel has all functions, or has them as functions. */
static bool exists_here(const struct bpf_program *prog)
{
	const char *function = strchr(bpf_program__section_name(prog), '/');

	return bpf_program__type(prog) != BPF_PROG_TYPE_TRACING || is_tracepoint(prog) ||
	       libbpf_find_vmlinux_btf_id(function + 1, BPF_TRACE_FENTRY) > 0;
}

static bool is_wanted(const struct bpf_program *prog, const struct bench_load *load)
{
	if (is_of(prog, "_looked"))
		return load->counts_looks;
	return load->samples || !is_of(prog, "_sample");
}

void probes_attach(const struct bench_load *load)
{
	struct bpf_program *prog;

	probes = bpf_object__open_file("/bench.bpf.o", NULL);
	if (!probes)
		give_up("cannot open the bench's probes");
	bpf_object__for_each_program(prog, probes)
		bpf_program__set_autoload(prog, exists_here(prog) && is_wanted(prog, load));
	if (bpf_object__load(probes))
		give_up("cannot load the bench's probes");
	/* the pass's and the sample's are for later */
	bpf_object__for_each_program(prog, probes)
		if (bpf_program__autoload(prog) &&
		    bpf_program__type(prog) == BPF_PROG_TYPE_TRACING && !bpf_program__attach(prog))
			give_up("cannot attach %s", bpf_program__name(prog));
	figures = map_memory(sysconf(_SC_PAGESIZE), ".bss");
	waiting = map_memory(BENCH_PIDS * sizeof(*waiting), "waiting");
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

/* Before an arm's run: what may be the module's. */
void probes_attach_balancer(bool samples)
{
	struct bpf_program *prog =
		bpf_object__find_program_by_name(probes, "bench_pass_lb");

	if (file_has("/sys/kernel/tracing/available_events", "sched_ext:sched_ext_bypass_lb"))
		balancer_link = bpf_program__attach_raw_tracepoint(prog, "sched_ext_bypass_lb");
	queues_address = samples ? module_queues() : 0;
}

void probes_detach_balancer(void)
{
	bpf_link__destroy(balancer_link);
	balancer_link = NULL;
}

void probes_arm(void)
{
	memset(figures, 0, sizeof(*figures));
	figures->module_queues = queues_address;
	figures->armed_ns = now_ns();
}

void probes_disarm(void)
{
	figures->armed_ns = 0;
}

/* Those who have not had their turn yet count as well. */
unsigned long long probes_longest_wait(unsigned long long end)
{
	unsigned long long longest = figures->wait_max_ns;
	pid_t pid;
	int i;

	for (i = 0; (pid = load_pid(i)); i++) {
		unsigned long long since = waiting[pid % BENCH_PIDS];

		if (!since)
			continue;
		if (since < figures->armed_ns)
			since = figures->armed_ns;
		if (since < end && end - since > longest)
			longest = end - since;
	}
	return longest;
}

/* Names and values. */
void probes_report(char *text, size_t size)
{
	const struct bench_figures *f = figures;
	unsigned long long balanced = f->balanced_ns ? f->balanced_ns - f->bypass_begin_ns : 0;
	int i, len;

	len = snprintf(text, size, "bypass_us %llu walk_us %llu",
		       (f->bypass_end_ns - f->bypass_begin_ns) / 1000, f->walk_ns / 1000);
	len += snprintf(text + len, size - len, " moved %llu balanced_us %llu graces %llu",
			f->moved, balanced / 1000, f->nr_graces);
	for (i = 0; i < BENCH_GRACES; i++)
		len += snprintf(text + len, size - len, " grace%d_us %llu", i + 1,
				f->grace_ns[i] / 1000);
	if (has_probe("bench_pick_ends"))
		len += snprintf(text + len, size - len, " pick_us %llu", f->pick_max_ns / 1000);
	if (has_probe("bench_task_looked"))
		snprintf(text + len, size - len, " picks %llu looks %llu", f->picks, f->looks);
}

/* Tell how many tasks are queued for each CPU so many ns after the trigger. */
void probes_sample(int arm, unsigned long long since)
{
	const struct bpf_program *prog =
		bpf_object__find_program_by_name(probes, "bench_sample");
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int cpu, nr = nr_cpus, len = 0;
	static char text[BENCH_CPUS * 8];

	if (bpf_prog_test_run_opts(bpf_program__fd(prog), &opts))
		give_up("cannot take a sample");
	for (cpu = 0; cpu < nr; cpu++)
		len += snprintf(text + len, sizeof(text) - len, " %u", figures->lengths[cpu]);
	info("queues %d %llu%s", arm, since / 1000, text);
}
