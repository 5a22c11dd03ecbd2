// SPDX-License-Identifier: GPL-2.0-only
/*
 * faults: each allocation of the module's init fails in turn, and then there
 * are no hotplug states left. Nothing stays behind, nothing leaks. For a kernel
 * with fault injection and the leak detector.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lab.h"

#define FAIL_PARAM(name) "/sys/module/scx_bypass_fail/parameters/" name
#define KMEMLEAK	"/sys/kernel/debug/kmemleak"
/* a block is a leak if nobody refers to it when it is that old */
#define LEAK_AGE_MS	6000

static bool has_leaks(char *buf, size_t size)
{
	int i;

	/* what is found twice is no accident */
	for (i = 0; i < 2; i++) {
		sleep_ms(LEAK_AGE_MS);
		must_write(KMEMLEAK, "scan");
	}
	return read_file(KMEMLEAK, buf, size) && *buf;
}

static bool nothing_is_left(void)
{
	return !exists("/sys/module/" MODULE) && !exists("/sys/kernel/debug/" MODULE) &&
	       !exists("/sys/kernel/livepatch/" MODULE) && !kernel_is_hooked();
}

/* Returns whether the load has come as far as to its allocation number @nth. */
static bool fail_one(int nth, int *errors, int *loads)
{
	char text[16];
	int ret;

	snprintf(text, sizeof(text), "%d", nth);
	must_write(FAIL_PARAM("nth"), text);
	ret = load_under_test("");
	must_write(FAIL_PARAM("nth"), "0");
	if (read_long(FAIL_PARAM("left"))) {
		if (ret)
			give_up("without a fault it does not load: %s", strerror(-ret));
		module_unload();
		return false;
	}
	if (!ret) {
		/* one that the kernel can do without */
		++*loads;
		module_unload();
	} else {
		++*errors;
	}
	if (!nothing_is_left())
		give_up("allocation %d failed (%s), and something is left behind", nth,
			strerror(-ret));
	return true;
}

static void case_faults(bool module)
{
	static char leaks[65536];
	int nth = 1, errors = 0, loads = 0;

	if (!exists("/scx_bypass_fail.ko") || !exists(KMEMLEAK))
		give_up("this kernel has no fault injection or no leak detector");
	must_write("/sys/kernel/debug/failslab/ignore-gfp-wait", "N");
	must_write("/sys/kernel/debug/failslab/verbose", "0");
	load_test_module();
	must_load("scx_bypass_fail", "");
	/* the first load leaves behind what the kernel sets up once */
	module_load("");
	module_unload();
	has_leaks(leaks, sizeof(leaks));
	must_write(KMEMLEAK, "clear");

	while (fail_one(nth, &errors, &loads)) {
		if (nth % 50 == 0)
			info("%d allocations have failed so far", nth);
		nth++;
	}
	check(errors > 20, "%d allocations failed in turn: %d loads refused, %d done without it",
	      nth - 1, errors, loads);

	must_write(TEST_PARAM("take_hotplug"), "1");
	check(load_under_test("") == -ENOSPC && nothing_is_left(),
	      "without a hotplug state: no space, nothing left");
	must_write(TEST_PARAM("take_hotplug"), "0");

	module_load("");
	module_unload();
	check(nothing_is_left() && !file_has("/proc/kallsyms", "[" MODULE "]"),
	      "afterwards it loads and unloads");
	check(!has_leaks(leaks, sizeof(leaks)), "nothing has leaked");
	if (*leaks)
		info("%.480s", leaks);
}

CASE(faults) = {
	.shows =
		"each allocation of a load fails in turn; nothing stays, nothing leaks (debug kernel)",
	.targets = "named",
	.minutes = 60,
};
