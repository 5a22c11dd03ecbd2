// SPDX-License-Identifier: GPL-2.0-only
/* tools: every verb of scx-bypass, without the module, with it, in bypass, without root. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab.h"
#include "program.h"

#define TOOL	"/scx-bypass "
#define TASKS	120
#define NOBODY	65534
#define SECRET	"payroll"

/* with their arguments */
static const char * const verbs[] = {
	"status", "watch", "history", "plot /plot.svg", "metrics", "--json", "--json history",
};

static int tool(const char *arguments)
{
	char command[128];

	snprintf(command, sizeof(command), TOOL "%s", arguments);
	return program_run(0, command);
}

static bool is_one_line(void)
{
	char *end = strchr(program_output, '\n');

	return end && !end[1] && end[-1] == '.';
}

/* Every verb says the same sentence and has the same exit status. */
void tools_must_refuse(uid_t uid, int expected, const char *sentence)
{
	char command[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(verbs); i++) {
		int status;

		snprintf(command, sizeof(command), TOOL "%s", verbs[i]);
		status = program_run(uid, command);
		check(status == expected && is_one_line() && strstr(program_output, sentence),
		      "%s: exit status %d, %.*s", verbs[i], status,
		      (int)strcspn(program_output, "\n"), program_output);
	}
}

static void check_output(const char *arguments, const char * const *expected)
{
	int status = tool(arguments);

	check(!status, "%s: exit status %d", *arguments ? arguments : "no verb", status);
	for (; *expected; expected++)
		check(strstr(program_output, *expected), "%s: says '%s'", arguments, *expected);
}

/* So that it is in the note of a run what people see. */
static void show_output(const char *what)
{
	char copy[4096], *line, *save = NULL;

	snprintf(copy, sizeof(copy), "%.4095s", program_output);
	for (line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		info("%s| %s", what, line);
}

static void wrong_usage(void)
{
	check(tool("nosuchverb") == 2 && strstr(program_output, "no such verb"),
	      "a verb that is none");
	check(tool("--json watch") == 2, "--json where there is none");
	check(tool("plot") == 2, "plot without a file");
	check(tool("status now") == 2, "an argument too many");
	check(tool("--interval=0 watch") == 2, "an interval of nothing");
	check(!tool("--version") && !strncmp(program_output, "scx-bypass 0.", 13), "--version");
	check(!tool("--help") && strstr(program_output, "report [FILE]"), "--help");
}

static void in_quiet_times(void)
{
	check_output("", (const char * const[]){ "hooks active, proven: no\n",
		     "scheduler   none (disabled)", "bypass      off; episodes: 0",
		     "All queues of the 8 CPUs are empty.", "no pass yet", NULL });
	check_output("history", (const char * const[]){ "There was no bypass", NULL });
	check_output("--json history", (const char * const[]){ "[]", NULL });
	check_output("metrics", (const char * const[]){ "\nscx_bypass_lb_bypass 0\n", NULL });
	check(tool("--wait=1 plot /plot.svg") == 1 &&
	      strstr(program_output, "Bypass was not entered in 1 s"), "plot, and no bypass");
}

/* The command as someone at a terminal has it. */
static void watch_screen(void)
{
	pid_t pid;
	int fd = program_start_on_terminal(TOOL "--interval=50 watch", 80, 30, &pid);

	check(program_read_until(fd, "cpu   7", 60) &&
	      strstr(program_output, "\033[?1049h") && strstr(program_output, "q: quit") &&
	      strstr(program_output, "bypass      ON for ") &&
	      strstr(program_output, "scheduler   pile (enabled)"), "watch draws the state");
	check(program_read_until(fd, "bypass      ON for ", 60), "and draws it again");
	if (write(fd, "q", 1) != 1)
		give_up("cannot press a key");
	check(program_read_until(fd, "\033[?1049l", 60), "q puts the screen back");
	check(!program_end(fd, pid), "and ends it");
}

static void in_bypass(void)
{
	char node_line[64], cpu_line[64];
	pid_t plot;
	int fd;

	snprintf(node_line, sizeof(node_line), "queued on %d CPUs, longest ", CPUS_PER_NODE);
	snprintf(cpu_line, sizeof(cpu_line),
		 "\nscx_bypass_lb_queued_tasks{cpu=\"7\",node=\"%d\"} ", 7 / CPUS_PER_NODE);
	must_attach(SCHED_PILE);
	spawn(TASKS, 0, NULL);
	must_progress(120, "under the scheduler");
	fd = program_start(TOOL "plot /plot.svg", &plot);
	/* not before it has seen that bypass is off */
	sleep_ms(1000);
	hold_bypass(true);
	sleep_ms(500);

	check_output("", (const char * const[]){ "hooks active\n", "scheduler   pile (enabled)",
		     "bypass      ON for ", " tasks queued", "\ncpu   0 ", "\ncpu   7 ", "#",
		     node_line, "last pass ", NULL });
	show_output("status");
	check_output("--json", (const char * const[]){ "\"bypass\": \"on\"", "\"name\": \"pile\"",
		     "\"cpus\": [\n  {\"cpu\": 0, \"node\": 0, \"queued\": ",
		     "\"readers_first\": true", NULL });
	check_output("metrics", (const char * const[]){ "\nscx_bypass_lb_bypass 1\n",
		     cpu_line,
		     "\nscx_bypass_lb_tasks_delivered_total{node=\"0\"} ", NULL });
	watch_screen();

	hold_bypass(false);
	check(!program_end(fd, plot) && strstr(program_output, " samples of 8 CPUs: /plot.svg"),
	      "plot: %.*s", (int)strcspn(program_output, "\n"), program_output);
	check(file_has("/plot.svg", "<title>CPU 7</title>") && file_has("/plot.svg", "</svg>\n"),
	      "plot: each CPU has its line");
	check(!file_has("/plot.svg", "(it went on)"), "plot: it has seen the end of bypass");
	check_output("history", (const char * const[]){ "entered by init[1], left by init[1]",
		     NULL });
	show_output("history");
	kill_tasks();
	sched_must_go();
	check_output("", (const char * const[]){ "last exit   BPF scheduler \"pile\" disabled (",
		     NULL });
}

/* A report tells no names. */
static void write_report(void)
{
	static char text[1 << 17];
	pid_t pid = start_child(SECRET);

	if (!pid) {
		/* long enough for a line in the kernel log */
		hold_bypass(true);
		sleep_ms(1200);
		hold_bypass(false);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	check_output("history", (const char * const[]){ "entered by " SECRET "[", NULL });
	check(kernel_log_has("entered by task " SECRET "["), "the name is in the kernel log, too");
	/* a name like the end of one; and names where the kernel's sched_ext has them */
	must_write("/dev/kmsg",
		   MODULE ": entered by task a[1]" SECRET "[77], left by task init[1]: at most\n");
	must_write("/dev/kmsg", "sched_ext: pile: target cpu 5 not allowed for " SECRET "[78]\n");
	must_write("/dev/kmsg", "sched_ext: pile: stall (" SECRET "[79] failed to run for 30s)\n");
	check(!tool("report /report") && strstr(program_output, "read it before you send it"),
	      "report: %.*s", (int)strcspn(program_output, "\n"), program_output);
	if (!read_file("/report", text, sizeof(text)))
		give_up("no report");
	check(strstr(text, "hooks: active") && strstr(text, "\nentered_task: *\n") &&
	      strstr(text, "entered by task *[") && strstr(text, "\nentered_task: init\n") &&
	      strstr(text, "dispatch_enqueue") && strstr(text, "hooks active: version"),
	      "it has the state, the record, the functions, the log");
	check(strstr(text, "[77], left by task init[1]") && strstr(text, "for *[78]") &&
	      strstr(text, "(*[79] failed"), "with the rest of each line");
	check(!strstr(text, SECRET), "but no name of a task");
	check(!strstr(text, "0xffff"), "and no address");
}

static void case_tools(bool module)
{
	load_test_module();
	wrong_usage();
	tools_must_refuse(0, 3, "is not loaded");
	check(!tool("report") && strstr(program_output, "(No such file or directory)"),
	      "a report can be made without the module");

	module_load("");
	/* the initramfs is root's alone */
	chmod("/", 0755);
	tools_must_refuse(NOBODY, 4, "Only root");
	in_quiet_times();
	in_bypass();
	write_report();
	module_unload();
}

CASE(tools) = {
	.shows = "every verb of scx-bypass, without the module, with it, in bypass, without root",
};
