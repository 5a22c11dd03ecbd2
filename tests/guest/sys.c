// SPDX-License-Identifier: GPL-2.0-only
/* Files, modules, time, figures, memory. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lab.h"

#define SYSLOG_READ_ALL	3
#define SYSLOG_CLEAR	5

bool read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return false;
	while (len + 1 < size && (n = read(fd, buf + len, size - 1 - len)) > 0)
		len += n;
	buf[len] = '\0';
	close(fd);
	return true;
}

bool exists(const char *path)
{
	struct stat st;

	return !stat(path, &st);
}

bool file_has(const char *path, const char *text)
{
	static char buf[32 << 20];

	return read_file(path, buf, sizeof(buf)) && strstr(buf, text);
}

/* Returns 0 or -errno. */
int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

void must_write(const char *path, const char *text)
{
	int ret = write_file(path, text);

	if (ret)
		give_up("cannot write '%s' to %s: %s", text, path, strerror(-ret));
}

long read_long(const char *path)
{
	char buf[64];

	if (!read_file(path, buf, sizeof(buf)))
		give_up("cannot read %s", path);
	return strtol(buf, NULL, 0);
}

/* Returns 0 or -errno. */
int load_module(const char *path, const char *params)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (syscall(SYS_finit_module, fd, params, 0))
		ret = -errno;
	close(fd);
	return ret;
}

int unload_module(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

/* One of tests/kmod. */
void must_load(const char *name, const char *params)
{
	char path[64];
	int ret;

	snprintf(path, sizeof(path), "/%s.ko", name);
	ret = load_module(path, params);
	if (ret)
		give_up("loading %s: %s", name, strerror(-ret));
}

void must_unload(const char *name)
{
	int ret = unload_module(name);

	if (ret)
		give_up("unloading %s: %s", name, strerror(-ret));
}

unsigned long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

double now(void)
{
	return now_ns() / 1e9;
}

void sleep_ms(unsigned int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&ts, NULL);
}

bool wait_for(bool (*cond)(void *arg), void *arg, unsigned int seconds)
{
	double end = now() + seconds;

	while (!cond(arg)) {
		if (now() > end)
			return false;
		sleep_ms(10);
	}
	return true;
}

/* For wait_for(): an int that another process sets. */
bool flag_is_set(void *flag)
{
	return __atomic_load_n((int *)flag, __ATOMIC_ACQUIRE);
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* From the smallest on: the median is in the middle, the worst at the end. */
void sort_figures(double *figures, int nr)
{
	qsort(figures, nr, sizeof(*figures), by_value);
}

/* Memory that is zero, present, and shared with children. */
void *map_shared(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (memory == MAP_FAILED)
		give_up("no memory");
	return memory;
}

void clear_kernel_log(void)
{
	if (klogctl(SYSLOG_CLEAR, NULL, 0))
		give_up("cannot clear the kernel log");
}

/* How often is this in the kernel log? */
int kernel_log_count(const char *text)
{
	static char log[1 << 20];
	int len = klogctl(SYSLOG_READ_ALL, log, sizeof(log) - 1), count = 0;
	const char *at;

	if (len < 0)
		give_up("cannot read the kernel log");
	log[len] = '\0';
	for (at = log; (at = strstr(at, text)); at++)
		count++;
	return count;
}

/* Whether tasks are preempted in the kernel: only then is there RCU-tasks of its own. */
bool kernel_is_preemptible(void)
{
	return file_has("/proc/kallsyms", " synchronize_rcu_tasks\n");
}

bool kernel_log_has(const char *text)
{
	return kernel_log_count(text);
}

/* For wait_for(). */
bool is_in_kernel_log(void *text)
{
	return kernel_log_has(text);
}
