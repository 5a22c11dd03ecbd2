// SPDX-License-Identifier: GPL-2.0-only
/*
 * scx-bypass report: what a bug report needs, in one file. Nothing personal: no names of
 * the machine, of users and of their tasks, no addresses, and of command lines only the
 * kernel's, those parameters that matter here.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "command.h"
#include "files.h"

#define MODULE_LINE	MODULE ": "
#define TASK_KEY	"_task: "
#define MODULE_DIR	"/sys/module/" MODULE "/"

static FILE *out;

static void title(const char *text)
{
	fprintf(out, "\n== %s\n", text);
}

/* A file as it is, or why it cannot be read. */
static void whole_file(const char *path)
{
	char *text = files_read(path);

	title(path);
	if (text)
		fputs(text, out);
	else
		fprintf(out, "(%s)\n", strerror(errno));
	free(text);
}

static bool begins_with_any(const char *text, const char * const *begins)
{
	for (; *begins; begins++)
		if (!strncmp(text, *begins, strlen(*begins)))
			return true;
	return false;
}

/* The kernel's addresses tell where it is, which is a secret. */
static void hide_addresses(char *line)
{
	while ((line = strstr(line, "0xffff"))) {
		size_t len = strspn(line + 2, "0123456789abcdef");

		memset(line + 2, '*', len);
		line += 2 + len;
	}
}

/* The lines of a file that have one of the words. */
static void some_lines(const char *path, const char * const *words)
{
	char *text = files_read(path), *rest = text, *line;
	const char * const *word;

	title(path);
	if (!text)
		fprintf(out, "(%s)\n", strerror(errno));
	while (text && (line = files_next_line(&rest))) {
		for (word = words; *word && !strstr(line, *word); word++)
			;
		if (!*word)
			continue;
		hide_addresses(line);
		fprintf(out, "%s\n", line);
	}
	free(text);
}

/* A task's name tells about the machine's user, unless it is one of those. */
static bool is_public(const char *name, size_t len)
{
	static const char * const begins[] = {
		"scx_", "sched_ext", "kworker", "rcu", "systemd", NULL
	};
	static const char * const names[] = {
		"init", "insmod", "modprobe", "rmmod", "bash", "sh", "-", NULL
	};
	const char * const *n;

	for (n = names; *n; n++)
		if (strlen(*n) == len && !strncmp(name, *n, len))
			return true;
	return begins_with_any(name, begins);
}

/* Both tasks of an episode. */
static void history(void)
{
	char *text = files_read(DEBUGFS "history"), *rest = text, *line, *name;

	title(DEBUGFS "history");
	if (!text)
		fprintf(out, "(%s)\n", strerror(errno));
	while (text && (line = files_next_line(&rest))) {
		name = strstr(line, TASK_KEY);
		if (name)
			name += strlen(TASK_KEY);
		if (name && !is_public(name, strlen(name)))
			fprintf(out, "%.*s*\n", (int)(name - line), line);
		else
			fprintf(out, "%s\n", line);
	}
	free(text);
}

/*
 * Find "[PID]", as it stands behind a name, with a blank, a comma or the like behind it. A
 * name may have a number in brackets itself.
 */
static const char *find_pid(const char *text)
{
	const char *pid, *end;

	for (pid = strchr(text, '['); pid; pid = strchr(pid + 1, '[')) {
		end = pid + 1 + strspn(pid + 1, "0123456789");
		if (end > pid + 1 && *end == ']' && (!end[1] || strchr(" ,:;).", end[1])))
			return pid;
	}
	return NULL;
}

/*
 * In the log a name is in front of "[PID]". In a line of the module it is all from "task "
 * on; in others, which have no such mark, all from a bracket or blank on.
 */
static void put_without_names(const char *line)
{
	static const char before[] = "task ";
	const char *end, *at, *mark;

	while ((end = find_pid(line))) {
		for (at = end; at > line && !strchr("( ", at[-1]);)
			at--;
		mark = strstr(line, before);
		if (mark && mark < end)
			at = mark + strlen(before);
		fprintf(out, "%.*s", (int)(at - line), line);
		if (is_public(at, end - at))
			fprintf(out, "%.*s", (int)(end - at), at);
		else
			fputc('*', out);
		at = strchr(end, ']') + 1;
		fprintf(out, "%.*s", (int)(at - end), end);
		line = at;
	}
	fprintf(out, "%s\n", line);
}

static void kernel_log(void)
{
	char *log = files_kernel_log(), *rest = log, *line;

	title("kernel log, lines of the module and of sched_ext");
	if (!log)
		fprintf(out, "(%s)\n", strerror(errno));
	while (log && (line = files_next_line(&rest))) {
		if (!strstr(line, MODULE_LINE) && !strstr(line, "sched_ext: "))
			continue;
		hide_addresses(line);
		put_without_names(line);
	}
	free(log);
}

static void kernel_parameters(void)
{
	static const char * const wanted[] = {
		"scx_bypass_lb", "module_blacklist=", "preempt", "threadirqs", "isolcpus=",
		"nohz", "rcu", "numa", "nosmt", "mitigations=", "nokaslr", "ftrace", "lockdown=",
		"hugepages", "maxcpus", "nr_cpus", NULL
	};
	char *text = files_read("/proc/cmdline"), *save = NULL, *word;

	title("/proc/cmdline, what matters here");
	for (word = text ? strtok_r(text, "\n ", &save) : NULL; word;
	     word = strtok_r(NULL, "\n ", &save))
		if (begins_with_any(word, wanted))
			fprintf(out, "%s\n", word);
	free(text);
}

static void kernel_config(const char *release)
{
	static const char * const wanted[] = {
		"CONFIG_CC_VERSION_TEXT=", "CONFIG_CC_OPTIMIZE", "CONFIG_LTO", "CONFIG_SCHED_",
		"CONFIG_PREEMPT", "CONFIG_DEBUG_INFO_BTF", "CONFIG_KPROBES", "CONFIG_KALLSYMS",
		"CONFIG_DYNAMIC_FTRACE", "CONFIG_HAVE_STATIC_CALL", "CONFIG_LIVEPATCH",
		"CONFIG_MODVERSIONS", "CONFIG_MODULE_SIG", "CONFIG_HZ", "CONFIG_NO_HZ",
		"CONFIG_NUMA", "CONFIG_NR_CPUS", "CONFIG_RCU_", "CONFIG_X86_KERNEL_IBT",
		"CONFIG_CFI", "CONFIG_CALL_DEPTH", NULL
	};
	char path[256];

	snprintf(path, sizeof(path), "/boot/config-%s", release);
	if (!files_exist(path))
		snprintf(path, sizeof(path), "/lib/modules/%s/build/.config", release);
	some_lines(path, wanted);
}

static void kernel(void)
{
	struct utsname uts;

	title("kernel");
	if (uname(&uts))
		return;
	fprintf(out, "%s\n%s\n%s\n", uts.release, uts.version, uts.machine);
	kernel_config(uts.release);
}

static void hooked_functions(void)
{
	/* with their clones, which have a dot behind the name */
	static const char * const symbols[] = {
		" scx_bypass", " scx_ops_bypass", " dispatch_enqueue", " consume_dispatch_q",
		" synchronize_rcu", NULL
	};
	static const char * const hooked[] = {
		"bypass", "dispatch_enqueue", "consume_dispatch_q", "synchronize_rcu", NULL
	};
	char *text = files_read("/proc/kallsyms"), *rest = text, *line, *name;

	title("/proc/kallsyms, names only");
	while (text && (line = files_next_line(&rest))) {
		name = strrchr(line, ' ');
		if (name && begins_with_any(name, symbols))
			fprintf(out, "%s\n", name + 1);
	}
	free(text);
	some_lines("/sys/kernel/tracing/enabled_functions", hooked);
}

static void machine(void)
{
	static const char * const system[] = { "PRETTY_NAME=", NULL };

	some_lines("/etc/os-release", system);
	whole_file("/sys/devices/system/cpu/possible");
	whole_file("/sys/devices/system/cpu/online");
	whole_file("/sys/devices/system/node/has_cpu");
}

static void write_all(void)
{
	fprintf(out, "scx-bypass %s: report\n", VERSION);
	fputs("The names of tasks are shown as *, but for those of the system.\n", out);
	kernel();
	kernel_parameters();
	machine();
	whole_file("/proc/sys/kernel/tainted");
	whole_file(MODULE_DIR "version");
	whole_file(MODULE_DIR "srcversion");
	whole_file(SCHED_EXT "state");
	whole_file(SCHED_EXT "switch_all");
	whole_file(SCHED_EXT "root/ops");
	whole_file(SCHED_EXT "root/events");
	whole_file(DEBUGFS "status");
	history();
	hooked_functions();
	kernel_log();
}

int verb_report(const struct options *o)
{
	char *text = NULL;
	size_t size;
	FILE *f;
	bool failed;

	if (geteuid() && !*files_root)
		fputs("Only root can read all of it: this report is incomplete.\n", stderr);
	out = open_memstream(&text, &size);
	if (out)
		write_all();
	if (!out || fclose(out)) {
		fputs("There is not enough memory.\n", stderr);
		return EXIT_ERROR;
	}
	f = o->file ? fopen(o->file, "we") : stdout;
	failed = !f || fwrite(text, 1, size, f) != size || fflush(f);
	if (failed)
		fprintf(stderr, "%s cannot be written: %s.\n", o->file ? o->file : "The report",
			strerror(errno));
	if (f && o->file)
		fclose(f);
	free(text);
	if (failed)
		return EXIT_ERROR;
	if (o->file)
		printf("The report is in %s: read it before you send it.\n", o->file);
	return EXIT_FINE;
}
