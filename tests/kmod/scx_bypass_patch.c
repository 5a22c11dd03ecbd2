// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests only: somebody else's livepatch. It patches scx_bypass, whatever
 * it is called here, or, cumulative as distributions make theirs, a function
 * that has nothing to do with the scheduler.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/static_call.h>

static char *function = "";
module_param(function, charp, 0400);
MODULE_PARM_DESC(function, "the name of scx_bypass; without it, /proc/cmdline is patched");

static bool replace;
module_param(replace, bool, 0400);
MODULE_PARM_DESC(replace, "replace all other livepatches");

typedef void scx_bypass_fn(bool bypass);
DEFINE_STATIC_CALL_NULL(scx_bypass_body, scx_bypass_fn);

static void patched_scx_bypass(bool bypass)
{
	static_call(scx_bypass_body)(bypass);
}

static int patched_cmdline_proc_show(struct seq_file *m, void *v)
{
	seq_puts(m, "patched\n");
	return 0;
}

static struct klp_func funcs[] = {
	{ .old_name = "cmdline_proc_show", .new_func = patched_cmdline_proc_show },
	{ }
};

static struct klp_object objs[] = {
	{ .funcs = funcs },
	{ }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objs,
};

static int __init patch_init(void)
{
	struct kprobe kp = { .symbol_name = function };
	int ret;

	patch.replace = replace;
	if (*function) {
		ret = register_kprobe(&kp);
		if (ret)
			return ret;
		/* fentry is the first instruction, but for a landing pad */
		static_call_update(scx_bypass_body, (void *)kp.addr + MCOUNT_INSN_SIZE);
		unregister_kprobe(&kp);
		funcs[0].old_name = function;
		funcs[0].new_func = patched_scx_bypass;
	}
	return klp_enable_patch(&patch);
}

static void __exit patch_exit(void)
{
}

module_init(patch_init);
module_exit(patch_exit);
MODULE_DESCRIPTION("test aid for scx_bypass_lb: somebody else's livepatch");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
