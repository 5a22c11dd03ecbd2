// SPDX-License-Identifier: GPL-2.0-only
/*
 * shell: no case, but a shell on the console, for somebody who wants to look around. The
 * module is loaded, and so is the test module.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "lab.h"

#define BUSYBOX	"/bin/busybox"

static const char welcome[] =
	"\n"
	"scx_bypass_lb is loaded (/scx_bypass_lb.ko; rmmod and insmod work). Try\n"
	"  /scx-bypass                                        its state\n"
	"  echo 1 > " TEST_PARAM("hold") "    enter bypass; 0 leaves it\n"
	"  dmesg | grep scx_bypass\n"
	"'exit' ends the guest.\n\n";

static void __noreturn become_shell(void)
{
	int fd;

	/* what the driver is would hold for all that is started here */
	set_priority(0, 0);
	setsid();
	fd = open("/dev/ttyS0", O_RDWR);
	if (fd < 0 || ioctl(fd, TIOCSCTTY, 0))
		_exit(1);
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	setenv("PATH", "/bin:/sbin:/usr/bin:/usr/sbin:/", 1);
	setenv("HOME", "/", 1);
	setenv("TERM", "linux", 0);
	if (write(STDOUT_FILENO, welcome, strlen(welcome)) < 0)
		_exit(1);
	execl(BUSYBOX, "sh", "-i", NULL);
	_exit(127);
}

static void case_shell(bool module)
{
	int status;
	pid_t pid;

	load_test_module();
	module_load("");
	mkdir("/sbin", 0755);
	mkdir("/usr", 0755);
	mkdir("/usr/bin", 0755);
	mkdir("/usr/sbin", 0755);
	if (system(BUSYBOX " --install -s"))
		info("busybox has not installed all of its programs");
	pid = fork();
	if (!pid)
		become_shell();
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		give_up("no shell");
	check(WIFEXITED(status), "the shell has ended");
}

CASE(shell) = {
	.shows = "a shell on the console, for make shell",
	.targets = "command",
	.unwatched = "whatever somebody does there",
};
