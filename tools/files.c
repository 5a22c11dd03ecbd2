// SPDX-License-Identifier: GPL-2.0-only
/* Reading the kernel's files, and its log. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

#define CHUNK			16384
#define SYSLOG_READ_ALL		3
#define SYSLOG_SIZE_BUFFER	10

const char *files_root = "";

static void full_path(char *full, size_t size, const char *path)
{
	snprintf(full, size, "%s%s", files_root, path);
}

/* All of a file as text, to be freed; NULL with errno if it cannot be read. */
char *files_read(const char *path)
{
	size_t len = 0, size = 0;
	char full[4096], *text = NULL;
	ssize_t n;
	int fd;

	full_path(full, sizeof(full), path);
	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	do {
		if (len + CHUNK + 1 > size) {
			char *more = realloc(text, size = len + 4 * CHUNK);

			if (!more) {
				n = -1;
				break;
			}
			text = more;
		}
		n = read(fd, text + len, CHUNK);
		len += n > 0 ? n : 0;
	} while (n > 0);
	if (n < 0) {
		int err = errno;

		free(text);
		text = NULL;
		errno = err;
	} else {
		text[len] = '\0';
	}
	close(fd);
	return text;
}

bool files_exist(const char *path)
{
	char full[4096];
	struct stat st;

	full_path(full, sizeof(full), path);
	return !stat(full, &st);
}

/* The first line of a file, without its end. */
bool files_word(const char *path, char *word, size_t size)
{
	char *text = files_read(path);

	if (!text)
		return false;
	snprintf(word, size, "%.*s", (int)strcspn(text, "\n"), text);
	free(text);
	return true;
}

/* Take the next line off a text; NULL at its end. */
char *files_next_line(char **rest)
{
	char *line = *rest, *end;

	if (!line || !*line)
		return NULL;
	end = strchr(line, '\n');
	if (end)
		*end++ = '\0';
	*rest = end;
	return line;
}

/* The kernel log, to be freed; NULL with errno if it may not be read. */
char *files_kernel_log(void)
{
	int size, len;
	char *log;

	/* it is this machine's */
	if (*files_root) {
		errno = ENOENT;
		return NULL;
	}
	size = klogctl(SYSLOG_SIZE_BUFFER, NULL, 0);
	if (size < 0)
		return NULL;
	log = malloc(size + 1);
	if (!log)
		return NULL;
	len = klogctl(SYSLOG_READ_ALL, log, size);
	if (len < 0) {
		free(log);
		return NULL;
	}
	log[len] = '\0';
	return log;
}
