// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests only: modules that are loaded while this one is take the CPUs for such as have IBT.
 * The kernel itself, which has been patched before, does not.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <asm/cpufeature.h>

static bool had;

static int __init ibt_init(void)
{
	/* then no module looks */
	if (!IS_ENABLED(CONFIG_X86_KERNEL_IBT))
		return -ENODEV;
	had = boot_cpu_has(X86_FEATURE_IBT);
	set_cpu_cap(&boot_cpu_data, X86_FEATURE_IBT);
	return 0;
}

static void __exit ibt_exit(void)
{
	if (!had)
		clear_bit(X86_FEATURE_IBT, (unsigned long *)boot_cpu_data.x86_capability);
}

module_init(ibt_init);
module_exit(ibt_exit);
MODULE_DESCRIPTION("test aid for scx_bypass_lb: CPUs that look as if they had IBT");
MODULE_LICENSE("GPL");
