// SPDX-License-Identifier: GPL-2.0-only
/*
 * upgrade: the Debian packages are installed, upgraded and removed by the real dpkg and
 * dkms while the module is loaded, in bypass too: it stays as it is. Only the compiler is
 * not there: the host has built both versions.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "lab.h"
#include "program.h"

#define ENVIRONMENT	"/usr/bin/env PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/ "
#define VERSION		"/sys/module/" MODULE "/version"
/* more would only take time from dpkg in an emulated machine */
#define TASKS		4

static char before[32], after[32];

static int run(const char *command)
{
	char all[256];

	snprintf(all, sizeof(all), ENVIRONMENT "%s", command);
	return program_run(0, all);
}

/* Which must succeed. */
static void must_run(const char *command)
{
	int status = run(command);
	char *line, *save = NULL;

	check(!status, "%s: exit status %d", command, status);
	for (line = strtok_r(program_output, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		info("| %.200s", line);
}

/* "" for none */
static void check_installed(const char *version)
{
	char expected[256] = "";
	struct utsname uts;

	uname(&uts);
	if (*version)
		snprintf(expected, sizeof(expected), MODULE "/%s, %s, x86_64: installed\n",
			 version, uts.release);
	run("dkms status " MODULE);
	check(!strcmp(program_output, expected), "dkms has version '%s': %.100s", version,
	      program_output);
	run("modinfo -F version " MODULE);
	check(!strncmp(program_output, version, strlen(version)) &&
	      !strstr(program_output, "not found") == !!*version,
	      "modprobe would find version '%s': %.100s", version, program_output);
}

static void load(const char *version)
{
	must_run("modprobe " MODULE);
	check(file_has(VERSION, version), "version %s is loaded", version);
	hooks_must_become_active();
}

static void check_untouched(const char *version, const char *when)
{
	check(file_has(VERSION, version) && hooks_are_active(NULL),
	      "%s: version %s is still loaded, its hooks are active", when, version);
	check(bypass_is(true) && all_progress(120), "%s: still in bypass, all tasks run", when);
}

static void make_file_system(void)
{
	static const char * const names[] = {
		"/tmp", "/var/lib/dkms", "/var/lib/dpkg/updates", "/var/lib/dpkg/info",
		"/var/log", "/usr/src", "/etc/modprobe.d",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		mkdir(names[i], 0755);
	/* dkms uses it */
	if (symlink("/proc/self/fd", "/dev/fd"))
		give_up("no /dev/fd");
}

static void case_upgrade(bool module)
{
	char versions[64];

	if (!read_file("/versions", versions, sizeof(versions)) ||
	    sscanf(versions, "%31s %31s", before, after) != 2)
		give_up("no versions");
	make_file_system();
	load_test_module();

	must_run("dpkg -i /before.deb");
	check(!exists("/sys/module/" MODULE), "a package does not load the module");
	check_installed(before);

	load(before);
	must_attach(SCHED_PILE);
	spawn(TASKS, 0, NULL);
	must_progress(120, "under the scheduler");
	hold_bypass(true);

	must_run("dpkg -i /after.deb /tools.deb");
	check_installed(after);
	check_untouched(before, "upgraded");
	must_run("scx-bypass status");

	must_run("rmmod " MODULE);
	must_progress(120, "without the module");
	load(after);

	must_run("dpkg -r scx-bypass-lb-dkms");
	check_installed("");
	check_untouched(after, "removed");
	must_run("dpkg --purge scx-bypass-lb-dkms");
	check_untouched(after, "purged");

	hold_bypass(false);
	kill_tasks();
	sched_must_go();
	must_run("rmmod " MODULE);
	check(run("modprobe " MODULE), "then it cannot be loaded again");
}

CASE(upgrade) = {
	.shows = "real dpkg and dkms: packages upgraded and removed while the module is loaded",
	.targets = "named",
	.uses = "packages dkms",
};
