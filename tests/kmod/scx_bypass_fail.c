// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests only: have an allocation of a module's init function fail, the one
 * whose number is written to /sys/module/scx_bypass_fail/parameters/nth. What
 * the kernel does before is left alone: its tracing has warnings of its own
 * when it runs out of memory. If there were fewer allocations, the parameter
 * left is not 0 then.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>

static unsigned int nth;
module_param(nth, uint, 0600);
MODULE_PARM_DESC(nth, "number of the allocation that is to fail, 0 = none");

static unsigned int left;
module_param(left, uint, 0400);
MODULE_PARM_DESC(left, "what was left of the number when init ended");

/* Returns 0 if the return is to be seen, too. */
static int before_init(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	const struct module *mod = (const struct module *)regs_get_kernel_argument(regs, 0);

	if (strcmp(mod->name, "scx_bypass_lb"))
		return 1;
	current->fail_nth = READ_ONCE(nth);
	return 0;
}

static int after_init(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	WRITE_ONCE(left, current->fail_nth);
	current->fail_nth = 0;
	return 0;
}

static struct kretprobe krp = {
	.kp.symbol_name = "do_init_module",
	.entry_handler = before_init,
	.handler = after_init,
};

static int __init fail_init(void)
{
	return register_kretprobe(&krp);
}

static void __exit fail_exit(void)
{
	unregister_kretprobe(&krp);
}

module_init(fail_init);
module_exit(fail_exit);
MODULE_DESCRIPTION("fault injection for scx_bypass_lb's tests");
MODULE_LICENSE("GPL");
