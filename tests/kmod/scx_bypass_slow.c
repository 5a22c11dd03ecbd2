// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests only: makes a function slow when one task calls it, so that what may
 * happen meanwhile does happen.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>

static char *function = "raw_spin_rq_lock_nested";
module_param(function, charp, 0400);
MODULE_PARM_DESC(function, "the function");

static char *task = "unload";
module_param(task, charp, 0400);
MODULE_PARM_DESC(task, "the name of the task");

static unsigned int ms = 20;
module_param(ms, uint, 0400);
MODULE_PARM_DESC(ms, "how long each call takes more, milliseconds");

static unsigned int hits;
module_param(hits, uint, 0400);
MODULE_PARM_DESC(hits, "number of slow calls");

static int slow_fn(struct kprobe *kp, struct pt_regs *regs)
{
	if (!strcmp(current->comm, task)) {
		hits++;
		mdelay(ms);
	}
	return 0;
}

static struct kprobe probe = {
	.pre_handler = slow_fn,
};

static int __init slow_init(void)
{
	probe.symbol_name = function;
	return register_kprobe(&probe);
}

static void __exit slow_exit(void)
{
	unregister_kprobe(&probe);
}

module_init(slow_init);
module_exit(slow_exit);
MODULE_DESCRIPTION("test aid for scx_bypass_lb: makes a function slow");
MODULE_LICENSE("GPL");
