// SPDX-License-Identifier: GPL-2.0-only
/*
 * peers: the kernel's own selftests of sched_ext and its example schedulers
 * give the same results with the module as without it.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab.h"

#define OUTPUT		"/peer.out"
#define MAX_RESULTS	64
#define MAX_NAME	48
#define TASKS		24
/* the whole suite takes a minute or two */
#define SUITE_SECONDS	1800

struct result {
	char name[MAX_NAME];
	char what[16];
};

struct results {
	struct result of[MAX_RESULTS];
	int nr;
};

static pid_t start_peer(char *const argv[])
{
	pid_t pid = fork();
	int fd;

	if (!pid) {
		fd = open(OUTPUT, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		execv(argv[0], argv);
		_exit(127);
	}
	return pid;
}

static int peer_status;

static bool peer_has_ended(void *pid)
{
	return waitpid(*(pid_t *)pid, &peer_status, WNOHANG) == *(pid_t *)pid;
}

/* Returns whether it has ended in time. */
static bool end_peer(pid_t pid, unsigned int seconds)
{
	if (wait_for(peer_has_ended, &pid, seconds))
		return true;
	tell_task(pid);
	kill(pid, SIGKILL);
	waitpid(pid, &peer_status, 0);
	return false;
}

static struct result *result_of(struct results *results, const char *name)
{
	int i;

	for (i = 0; i < results->nr; i++)
		if (!strcmp(results->of[i].name, name))
			return &results->of[i];
	return NULL;
}

static void note(struct results *results, const char *name, const char *what)
{
	struct result *r = result_of(results, name);

	if (!r) {
		if (results->nr == MAX_RESULTS)
			give_up("too many results");
		r = &results->of[results->nr++];
		snprintf(r->name, sizeof(r->name), "%s", name);
	}
	snprintf(r->what, sizeof(r->what), "%s", what);
}

/* Lines "ok 3 NAME #", "not ok 4 NAME #", "ok 5 NAME # SKIP". */
static void selftests(struct results *results, const char *only)
{
	char *const argv[] = { "/peers/runner", "-q", only ? "-t" : NULL, (char *)only, NULL };
	char name[MAX_NAME], line[512];
	FILE *f;

	if (!end_peer(start_peer(argv), SUITE_SECONDS))
		note(results, only ?: "all of them", "does not end");
	f = fopen(OUTPUT, "r");
	while (f && fgets(line, sizeof(line), f)) {
		bool failed = !strncmp(line, "not ok ", 7);

		if (sscanf(line, failed ? "not ok %*d %47s" : "ok %*d %47s", name) == 1)
			note(results, name,
			     failed ? "fails" : strstr(line, "SKIP") ? "skipped" : "passes");
	}
	if (f)
		fclose(f);
}

static bool sched_is_on(void *unused)
{
	return !sched_is_off(NULL);
}

static void example(struct results *results, const char *name)
{
	char path[64], what[16];
	char *const argv[2] = { path, NULL };
	bool came, ran;
	pid_t pid;

	snprintf(path, sizeof(path), "/peers/%s", name);
	pid = start_peer(argv);
	came = wait_for(sched_is_on, NULL, SUITE_SECONDS);
	/* only now: its loader has a lot to do */
	spawn(TASKS, 0, NULL);
	ran = all_progress(120);
	kill(pid, SIGINT);
	if (!end_peer(pid, 300))
		peer_status = -1;
	snprintf(what, sizeof(what), "%s%s%s%d", came ? "on " : "", ran ? "runs " : "",
		 wait_for(sched_is_off, NULL, 300) ? "off " : "", peer_status);
	note(results, name, what);
	kill_tasks();
}

static const char * const examples[] = {
	"scx_simple", "scx_qmap", "scx_central", "scx_flatcg",
};

static void run_all(struct results *results)
{
	size_t i;

	selftests(results, NULL);
	for (i = 0; i < ARRAY_SIZE(examples); i++)
		example(results, examples[i]);
}

static bool is_example(const char *name)
{
	return !strncmp(name, "scx_", 4);
}

static void case_peers(bool module)
{
	static struct results without, with;
	int i, passed = 0;

	if (!exists("/peers/runner"))
		give_up("the kernel's selftests have not been built");
	mkdir("/sys/fs/cgroup", 0755);
	mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL);

	run_all(&without);
	module_load("bypass_lb_intv_us=1000");
	run_all(&with);
	for (i = 0; i < without.nr; i++) {
		const struct result *before = &without.of[i], *after;

		after = result_of(&with, before->name);
		/* some depend on their time: once more */
		if ((!after || strcmp(before->what, after->what)) && !is_example(before->name))
			selftests(&with, before->name);
		after = result_of(&with, before->name);
		check(after && !strcmp(before->what, after->what),
		      "%s %s without the module, %s with it", before->name, before->what,
		      after ? after->what : "is not run");
		passed += !strcmp(before->what, "passes") ||
			  !strncmp(before->what, "on runs off ", 12);
	}
	check(without.nr == with.nr && passed > without.nr / 2, "%d tests, %d pass", without.nr,
	      passed);
	check(!total_queued(), "the bypass DSQs are empty");
	module_unload();
}

CASE(peers) = {
	.shows =
		"the kernel's selftests of sched_ext and its example schedulers give the same results as without the module",
	.targets = "named",
	.machines = "small",
	.uses = "peers",
	.first = true,
};
