// SPDX-License-Identifier: GPL-2.0-only
/* Results go to the second serial port; the first is the console. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/reboot.h>
#include <termios.h>
#include <unistd.h>

#include "lab.h"

static int channel = 1;

void report_open(void)
{
	int fd = open("/dev/ttyS1", O_WRONLY | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0)
		channel = fd;
}

static void vreport(const char *kind, const char *fmt, va_list args)
{
	char text[512], line[600];
	int len;

	vsnprintf(text, sizeof(text), fmt, args);
	len = snprintf(line, sizeof(line), "%s %s\n", kind, text);
	if (write(channel, line, len) != len)
		perror("report");
}

void info(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vreport("info", fmt, args);
	va_end(args);
}

/* For the tables. */
void number(const char *what, unsigned long value)
{
	char line[128];
	int len = snprintf(line, sizeof(line), "num %lu %s\n", value, what);

	if (write(channel, line, len) != len)
		perror("report");
}

void check(bool ok, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vreport(ok ? "ok" : "fail", fmt, args);
	va_end(args);
}

/* Without this line the host takes the guest for lost. */
void report_done(void)
{
	watch_end();
	if (write(channel, "done\n", 5) != 5)
		perror("report");
	tcdrain(channel);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

/* The case cannot go on. */
void give_up(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vreport("fail", fmt, args);
	va_end(args);
	report_done();
}
