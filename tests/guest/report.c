// SPDX-License-Identifier: GPL-2.0-only
/*
 * Results go to the second serial port; the first is the console. They are in KTAP, the
 * kernel's test protocol. The plan comes last, when the number of results is known: without
 * it the host takes the guest for lost.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <termios.h>
#include <unistd.h>

#include "lab.h"

static int channel = 1;
/* shared with children, which report too */
static unsigned int *nr_results;

/* Format @text, an array, by the arguments behind @fmt, the function's last named one. */
#define FORMAT(text, fmt) do {					\
	va_list args;						\
								\
	va_start(args, fmt);					\
	vsnprintf(text, sizeof(text), fmt, args);		\
	va_end(args);						\
} while (0)

static void put_line(const char *line, size_t len)
{
	if (write(channel, line, len) != (ssize_t)len)
		perror("report");
}

static void __printf(1, 2) put(const char *fmt, ...)
{
	char line[700];
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	put_line(line, (size_t)len < sizeof(line) ? (size_t)len : sizeof(line) - 1);
}

void report_open(void)
{
	int fd = open("/dev/ttyS1", O_WRONLY | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0)
		channel = fd;
	nr_results = mmap(NULL, sizeof(*nr_results), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (nr_results == MAP_FAILED) {
		perror("mmap");
		reboot(RB_POWER_OFF);
	}
	put("KTAP version 1\n");
}

/* A report is of lines, and in that of a result a # would begin a directive. */
static void replace(char *text, char unwanted, char by)
{
	for (; *text; text++)
		if (*text == unwanted)
			*text = by;
}

static void put_result(bool ok, const char *text, const char *why_skipped)
{
	char what[512];

	snprintf(what, sizeof(what), "%s", text);
	replace(what, '\n', ' ');
	replace(what, '#', '*');
	put("%sok %u - %s%s%s\n", ok ? "" : "not ",
	    __atomic_add_fetch(nr_results, 1, __ATOMIC_RELAXED), what,
	    why_skipped ? " # SKIP " : "", why_skipped ?: "");
}

void info(const char *fmt, ...)
{
	char text[512];

	FORMAT(text, fmt);
	replace(text, '\n', ' ');
	put("# %s\n", text);
}

/* For the tables. */
void number(const char *what, unsigned long value)
{
	put("# num %lu %s\n", value, what);
}

void check(bool ok, const char *fmt, ...)
{
	char text[512];

	FORMAT(text, fmt);
	put_result(ok, text, NULL);
}

/* This kernel or this machine does not have what is needed for it. */
void skip(const char *what, const char *why)
{
	put_result(true, what, why);
}

/* The end of the case, and of the guest. */
void report_done(void)
{
	watch_end();
	put("1..%u\n", __atomic_load_n(nr_results, __ATOMIC_RELAXED));
	tcdrain(channel);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

/* The case cannot go on. */
void give_up(const char *fmt, ...)
{
	char text[512];

	FORMAT(text, fmt);
	put_result(false, text, NULL);
	report_done();
}
