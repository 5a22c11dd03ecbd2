// SPDX-License-Identifier: GPL-2.0-only
/* Runs programs: as any user, in the background, on a terminal; takes what they write. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab.h"
#include "program.h"

#define MAX_WORDS	16
#define PRIORITY	20
/* a program of which nothing comes for so long, though it should end, does not */
#define END_SECONDS	900

char program_output[1 << 17];

/* In the child. */
static void __noreturn become(uid_t uid, int fd, const char *command)
{
	char words[256], *argv[MAX_WORDS + 1], *save = NULL;
	char * const env[] = { "TERM=vt100", "LC_ALL=C", "TZ=UTC", NULL };
	int argc = 0;

	sched_close_in_child();
	dup2(fd, 0);
	dup2(fd, 1);
	dup2(fd, 2);
	if (uid && (setgid(uid) || setuid(uid)))
		_exit(126);
	snprintf(words, sizeof(words), "%s", command);
	argv[argc] = strtok_r(words, " ", &save);
	while (argv[argc] && argc < MAX_WORDS)
		argv[++argc] = strtok_r(NULL, " ", &save);
	execve(argv[0], argv, env);
	_exit(127);
}

/* A real-time task, so that no queue of tasks is in its way; nor is it in the way of a pile. */
static void make_real_time(pid_t pid)
{
	set_priority(pid, PRIORITY);
	pin_to_range(pid, CPUS_PER_NODE + 1, CPUS_PER_NODE - 1);
}

static int start(uid_t uid, const char *command, pid_t *pid)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		give_up("no pipe");
	*pid = fork();
	if (*pid < 0)
		give_up("fork failed");
	if (!*pid)
		become(uid, fds[1], command);
	make_real_time(*pid);
	close(fds[1]);
	return fds[0];
}

/* Start it in the background. Returns where its output comes. */
int program_start(const char *command, pid_t *pid)
{
	return start(0, command, pid);
}

/* It does not end: where it waits, and what all CPUs do. */
static void __noreturn give_up_on(pid_t pid)
{
	tell_task(pid);
	must_write("/proc/sysrq-trigger", "w");
	must_write("/proc/sysrq-trigger", "l");
	give_up("the program does not end");
}

/* Read the rest of its output and wait for it. Returns its exit status, or -1. */
int program_end(int fd, pid_t pid)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	int status;
	ssize_t n;

	while (len + 1 < sizeof(program_output)) {
		if (poll(&poll_fd, 1, END_SECONDS * 1000) <= 0)
			give_up_on(pid);
		n = read(fd, program_output + len, sizeof(program_output) - 1 - len);
		if (n <= 0)
			break;
		len += n;
	}
	program_output[len] = '\0';
	close(fd);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

int program_run(uid_t uid, const char *command)
{
	pid_t pid;
	int fd = start(uid, command, &pid);

	return program_end(fd, pid);
}

/* Start it on a terminal of that size. Returns the other side of the terminal. */
int program_start_on_terminal(const char *command, int columns, int rows, pid_t *pid)
{
	struct winsize size = { .ws_col = columns, .ws_row = rows };
	int master, slave;

	mkdir("/dev/pts", 0755);
	mount("devpts", "/dev/pts", "devpts", 0, "ptmxmode=0666");
	master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || unlockpt(master) || ioctl(master, TIOCSWINSZ, &size))
		give_up("no terminal: %s", strerror(errno));
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		give_up("no other side of the terminal: %s", strerror(errno));
	*pid = fork();
	if (*pid < 0)
		give_up("fork failed");
	if (!*pid) {
		setsid();
		ioctl(slave, TIOCSCTTY, 0);
		become(0, slave, command);
	}
	make_real_time(*pid);
	close(slave);
	return master;
}

/* Read, from the beginning of the output on, until a text has come. */
bool program_read_until(int fd, const char *text, unsigned int seconds)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	double end = now() + seconds;
	size_t len = 0;
	ssize_t n;

	program_output[0] = '\0';
	while (!strstr(program_output, text) && len + 1 < sizeof(program_output) &&
	       now() < end) {
		if (poll(&poll_fd, 1, 100) <= 0)
			continue;
		n = read(fd, program_output + len, sizeof(program_output) - 1 - len);
		if (n <= 0)
			break;
		len += n;
		program_output[len] = '\0';
	}
	return strstr(program_output, text);
}
