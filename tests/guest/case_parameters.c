// SPDX-License-Identifier: GPL-2.0-only
/* parameters: at load, at run time in bypass, out of range. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "lab.h"

#define INTV	PARAM("bypass_lb_intv_us")
#define SLICE	PARAM("slice_bypass_us")
#define TASKS	120

static void check_value(const char *path, long expected)
{
	long value = read_long(path);

	check(value == expected, "%s is %ld", strrchr(path, '/') + 1, value);
}

static void check_refused(const char *path, const char *text, long kept)
{
	int ret = write_file(path, text);

	check(ret == -EINVAL || ret == -ERANGE, "writing '%s' to %s: %s", text,
	      strrchr(path, '/') + 1, strerror(-ret));
	check_value(path, kept);
}

static void check_load_refused(const char *params)
{
	int ret = load_under_test(params);

	check(ret == -EINVAL || ret == -ERANGE, "loading with %s: %s", params, strerror(-ret));
}

static void check_mode(const char *path)
{
	struct stat st;

	check(!stat(path, &st) && (st.st_mode & 07777) == 0600, "%s has mode 0600",
	      strrchr(path, '/') + 1);
}

static void at_run_time_in_bypass(void)
{
	unsigned long long passes, moved;
	double written;
	int piled;

	must_write(INTV, "0");
	pile_up_in_bypass(TASKS, false);
	sleep_ms(1000);
	piled = queue_length(0);
	/* the other CPUs of the node have taken some to run them */
	check(piled > TASKS - 4 * (CPUS_PER_NODE - 1), "interval 0: %d tasks stay on CPU 0", piled);

	/* with so short a slice all of them would have run by the next pass */
	must_write(SLICE, "100");
	moved = node_status(0).moved;
	passes = node_status(0).passes;
	must_write(INTV, "1000000");
	written = now();
	if (!wait_for(more_passes, &passes, 30))
		give_up("there is no pass");
	written = now() - written;
	check(node_status(0).moved == moved, "slices of 100 us: no task is moved");
	must_write(SLICE, "5000");
	passes = node_status(0).passes;
	must_write(INTV, "1000000");
	if (!wait_for(more_passes, &passes, 30))
		give_up("there is no pass");
	check(written < 0.5, "a new interval acts at once, not after itself (%.3f s)", written);
	check(node_status(0).moved > moved, "slices of 5 ms: the tasks are moved (%llu)",
	      node_status(0).moved - moved);
	report_queues("interval 1 s");
	passes = node_status(0).passes;
	must_write(INTV, "1");
	passes += 10;
	check(wait_for(more_passes, &passes, 30), "a short interval acts at once");
	must_write(INTV, "0");
	sleep_ms(500);
	passes = node_status(0).passes;
	sleep_ms(2000);
	check(node_status(0).passes == passes, "0 stops the balancer in bypass");

	/* the least and the most that is allowed */
	must_write(SLICE, "100");
	check(all_progress(120), "all tasks run with slices of 100 us");
	must_write(SLICE, "100000");
	check(all_progress(120), "all tasks run with slices of 100 ms");

	hold_bypass(false);
	kill_tasks();
	sched_must_go();
}

static void case_parameters(bool module)
{
	load_test_module();
	check_load_refused("bypass_lb_intv_us=10000001");
	check_load_refused("bypass_lb_intv_us=-1");
	check_load_refused("bypass_lb_intv_us=soon");
	check_load_refused("slice_bypass_us=99");
	check_load_refused("slice_bypass_us=100001");
	check(kernel_log_has("slice_bypass_us must be a number from 100 to 100000"),
	      "the kernel log says what is allowed");
	check(load_under_test("disable=1") == -ECANCELED, "disable=1: does not load");

	module_load("");
	check_value(INTV, 500000);
	check_value(SLICE, 5000);
	check_mode(INTV);
	check_mode(SLICE);
	module_unload();

	module_load("bypass_lb_intv_us=10000000 slice_bypass_us=100");
	check_value(INTV, 10000000);
	check_value(SLICE, 100);
	check_refused(INTV, "10000001", 10000000);
	check_refused(INTV, "-1", 10000000);
	check_refused(SLICE, "0", 100);
	check_refused(SLICE, "99", 100);
	check_refused(SLICE, "100001", 100);
	check_refused(SLICE, "4294967396", 100);
	check_refused(SLICE, "1e3", 100);
	must_write(SLICE, "100000");
	check_value(SLICE, 100000);
	must_write(INTV, "0");
	check_value(INTV, 0);

	at_run_time_in_bypass();
	module_unload();
}

CASE(parameters) = {
	.shows = "parameters at load, at run time in bypass, out of range",
	.machines = "counted",
};
