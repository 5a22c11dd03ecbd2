// SPDX-License-Identifier: GPL-2.0-only
/*
 * refusal: modules that expect what this kernel has not. The host has changed
 * one string in a copy of the module for each; /broken/list tells the file,
 * the errno and the message to expect. What depends on the symbols that this
 * kernel happens to have is changed here.
 *
 * native: a kernel that does not need the module.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab.h"
#include "program.h"

#define CHANGED	"/changed.ko"

static char image[32 << 20], kallsyms[32 << 20];

static void check_untouched(const char *name)
{
	check(!kernel_is_hooked() &&
	      !exists("/sys/kernel/livepatch/" MODULE) &&
	      !exists("/sys/kernel/debug/" MODULE) && !exists("/sys/module/" MODULE),
	      "%s: nothing was hooked, nothing is left", name);
}

static void check_refused(const char *name, const char *path, int err, const char *message)
{
	int ret = load_module(path, "check=1");

	check(ret == -err && kernel_log_has(message) && kernel_log_has("would not load (error "),
	      "%s: check=1 says %s, and why", name, strerror(-ret));
	clear_kernel_log();
	ret = load_module(path, target_params);
	check(ret == -err, "%s: insmod says %s", name, strerror(-ret));
	check(kernel_log_has(message), "%s: the log says '%s'", name, message);
	check_untouched(name);
}

static void refuse_listed(void)
{
	static char list[1 << 16];
	char *line, *save = NULL;

	if (!read_file("/broken/list", list, sizeof(list)))
		give_up("no list of broken modules");

	for (line = strtok_r(list, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char name[64], path[128];
		int expected, skip;

		if (sscanf(line, "%63s %d %n", name, &expected, &skip) != 2)
			give_up("cannot read '%s'", line);
		snprintf(path, sizeof(path), "/broken/%s.ko", name);
		check_refused(name, path, expected, line + skip);
	}
}

/* Write a copy of the module that has the string @to instead of @from. */
static void change(const char *from, const char *to)
{
	char pattern[64] = "", replacement[64] = "";
	size_t len = strlen(from) + 2;
	int fd, changed = 0;
	char *at = image;
	ssize_t size;

	fd = open(target_module, O_RDONLY | O_CLOEXEC);
	size = read(fd, image, sizeof(image));
	close(fd);
	if (size <= 0 || size == sizeof(image))
		give_up("cannot read the module");
	snprintf(pattern + 1, sizeof(pattern) - 1, "%s", from);
	snprintf(replacement + 1, sizeof(replacement) - 1, "%s", to);
	while ((at = memmem(at, image + size - at, pattern, len))) {
		memcpy(at, replacement, len);
		changed++;
	}
	fd = open(CHANGED, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (!changed || write(fd, image, size) != size)
		give_up("cannot make a module with %s for %s", to, from);
	close(fd);
}

/* Is there a symbol of that name? Not one of a module. */
static unsigned int count_symbols(const char *name)
{
	unsigned int count = 0;
	char line[128], *at;

	snprintf(line, sizeof(line), " %s\n", name);
	for (at = kallsyms; (at = strstr(at, line)); at++)
		count++;
	return count;
}

/* A function name, not too long, that the compiler has cloned in this kernel. */
static bool find_clone(char *name, size_t longest)
{
	char *at = kallsyms;

	while ((at = strstr(at, ".isra.0\n"))) {
		char *end = at++, *begin = end;

		while (begin > kallsyms && begin[-1] != ' ')
			begin--;
		if ((size_t)(end - begin) > longest || memchr(begin, '.', end - begin))
			continue;
		memcpy(name, begin, end - begin);
		name[end - begin] = '\0';
		return true;
	}
	return false;
}

static void refuse_symbols(void)
{
	static const char * const common[] = { "t_next", "m_stop", "c_next", "s_stop" };
	char clone[64], message[128];
	size_t i = 0;

	if (!read_file("/proc/kallsyms", kallsyms, sizeof(kallsyms)))
		give_up("no kallsyms");
	if (find_clone(clone, strlen("consume_dispatch_q"))) {
		change("consume_dispatch_q", clone);
		snprintf(message, sizeof(message), "the compiler has cloned %s in this kernel",
			 clone);
		check_refused("cloned", CHANGED, EOPNOTSUPP, message);
	} else {
		skip("cloned", "clang makes no clones that are named so");
	}

	while (i < ARRAY_SIZE(common) - 1 && count_symbols(common[i]) < 2)
		i++;
	change("resched_cpu", common[i]);
	snprintf(message, sizeof(message), "symbol %s exists %u times in this kernel", common[i],
		 count_symbols(common[i]));
	check_refused("duplicate", CHANGED, ENOENT, message);
}

/* The kprobe that finds the first symbol cannot be registered. */
static void refuse_kprobes(void)
{
	change("kallsyms_lookup_name", "kallsyms_lookup_nome");
	check_refused("kprobe", CHANGED, ENOENT,
		      "cannot find kallsyms_lookup_name by a kprobe");
}

static void case_native(bool module)
{
	tools_must_refuse(0, 5, "so it does not need the module");
	preview_backends("a kernel that balances itself");
	check_refused("native balancer", target_module, EOPNOTSUPP,
		      "this kernel balances sched_ext's bypass mode itself: nothing to do, remove this package");
}

CASE(native) = {
	.shows = "a kernel that balances bypass itself: the module is refused, with the reason",
	.targets = "named",
	.unwatched = "the module is refused",
};

static void case_refusal(bool module)
{
	refuse_listed();
	refuse_symbols();
	refuse_kprobes();

	module_load("");
	module_unload();
	check(true, "the unchanged module loads");
}

CASE(refusal) = {
	.shows = "a kernel that lacks or changes something: errno, message, nothing hooked",
};
