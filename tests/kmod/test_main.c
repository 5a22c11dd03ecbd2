// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests only: the module scx_bypass_test. All that it does is switched on and off, or read,
 * through parameters in /sys/module/scx_bypass_test/parameters; each is in the file that does it.
 */
#include <linux/module.h>

#include "test.h"

static int __init test_init(void)
{
	return hold_init();
}

static void __exit test_exit(void)
{
	hold_exit();
	threads_exit();
	look_exit();
	faults_exit();
}

module_init(test_init);
module_exit(test_exit);
MODULE_DESCRIPTION("test aid for scx_bypass_lb");
MODULE_LICENSE("GPL");
