// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests only: a CPU that goes down stays on its way for as long as it is told to, as if
 * the callback of a driver took long. That is behind the moment in which the CPU becomes
 * inactive, and in front of the callbacks of modules that were loaded before this one.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpuhotplug.h>
#include <linux/delay.h>
#include <linux/module.h>

static bool stay = true;
module_param(stay, bool, 0600);
MODULE_PARM_DESC(stay, "keep a CPU on its way down");

static int leaving = -1;
module_param(leaving, int, 0400);
MODULE_PARM_DESC(leaving, "the CPU that is kept, or -1");

static enum cpuhp_state state;

static int leaving_down_fn(unsigned int cpu)
{
	WRITE_ONCE(leaving, cpu);
	while (READ_ONCE(stay))
		msleep(20);
	WRITE_ONCE(leaving, -1);
	return 0;
}

static int __init leaving_init(void)
{
	int ret = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "test:leaving", NULL,
					    leaving_down_fn);

	if (ret < 0)
		return ret;
	state = ret;
	return 0;
}

static void __exit leaving_exit(void)
{
	cpuhp_remove_state_nocalls(state);
}

module_init(leaving_init);
module_exit(leaving_exit);
MODULE_DESCRIPTION("test aid for scx_bypass_lb: keeps a CPU on its way down");
MODULE_LICENSE("GPL");
