// SPDX-License-Identifier: GPL-2.0-only
/*
 * refusal: modules that expect what this kernel has not. The host has changed
 * one string in a copy of the module for each; /broken/list tells the file,
 * the errno and the message to expect.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lab.h"

static void check_untouched(const char *name)
{
	static char functions[1 << 20];
	struct stat st;

	if (!read_file(TRACEFS "enabled_functions", functions, sizeof(functions)))
		give_up("cannot read the list of hooked functions");
	check(!strstr(functions, "dispatch_enqueue") && !strstr(functions, "scx_bypass") &&
	      !strstr(functions, "consume_dispatch_q") &&
	      stat("/sys/kernel/livepatch/" MODULE, &st) &&
	      stat("/sys/kernel/debug/" MODULE, &st) && stat("/sys/module/" MODULE, &st),
	      "%s: nothing was hooked, nothing is left", name);
}

void case_refusal(bool module)
{
	static char list[1 << 16];
	char *line, *save = NULL;

	if (!read_file("/broken/list", list, sizeof(list)))
		give_up("no list of broken modules");

	for (line = strtok_r(list, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char name[64], path[128];
		int expected, ret, skip;

		if (sscanf(line, "%63s %d %n", name, &expected, &skip) != 2)
			give_up("cannot read '%s'", line);
		snprintf(path, sizeof(path), "/broken/%s.ko", name);
		ret = load_module(path, "");
		check(ret == -expected, "%s: insmod says %s", name, strerror(-ret));
		check(kernel_log_has(line + skip), "%s: the log says '%s'", name, line + skip);
		check_untouched(name);
	}

	module_load("");
	module_unload();
	check(true, "the unchanged module loads");
}
