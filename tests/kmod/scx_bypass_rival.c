// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests only: takes a function for itself, so that nobody else may
 * redirect it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/module.h>

static char *by = "ipmodify";
module_param(by, charp, 0400);
MODULE_PARM_DESC(by, "ipmodify: an ftrace user that may redirect; probe: a kprobe with a post handler");

static char *function = "dispatch_enqueue";
module_param(function, charp, 0400);
MODULE_PARM_DESC(function, "the function");

static void notrace callback(unsigned long ip, unsigned long parent_ip,
			     struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
}

static struct ftrace_ops ops = {
	.func = callback,
	.flags = FTRACE_OPS_FL_IPMODIFY,
};

static void post_handler(struct kprobe *kp, struct pt_regs *regs, unsigned long flags)
{
}

static struct kprobe probe = {
	.post_handler = post_handler,
};

static bool use_probe;

static int __init rival_init(void)
{
	int ret;

	use_probe = !strcmp(by, "probe");
	if (use_probe) {
		probe.symbol_name = function;
		return register_kprobe(&probe);
	}

	ret = ftrace_set_filter(&ops, function, strlen(function), 0);
	if (!ret)
		ret = register_ftrace_function(&ops);
	if (ret)
		ftrace_free_filter(&ops);
	return ret;
}

static void __exit rival_exit(void)
{
	if (use_probe) {
		unregister_kprobe(&probe);
	} else {
		unregister_ftrace_function(&ops);
		ftrace_free_filter(&ops);
	}
}

module_init(rival_init);
module_exit(rival_exit);
MODULE_DESCRIPTION("test aid for scx_bypass_lb: takes a function for itself");
MODULE_LICENSE("GPL");
