/* SPDX-License-Identifier: GPL-2.0-only */
/* Parameters that switch something on and off. */
#ifndef SCX_BYPASS_TOGGLE_H
#define SCX_BYPASS_TOGGLE_H

#include <linux/kstrtox.h>
#include <linux/moduleparam.h>
#include <linux/sysfs.h>

/* @set is only called for a change. */
struct toggle {
	int (*set)(bool on);
	bool on;
};

static int set_toggle(const char *val, const struct kernel_param *kp)
{
	struct toggle *toggle = kp->arg;
	bool on;
	int ret = kstrtobool(val, &on);

	if (ret || on == toggle->on)
		return ret;
	ret = toggle->set(on);
	if (!ret)
		toggle->on = on;
	return ret;
}

static int get_toggle(char *buf, const struct kernel_param *kp)
{
	const struct toggle *toggle = kp->arg;

	return sysfs_emit(buf, "%c\n", toggle->on ? 'Y' : 'N');
}

static const struct kernel_param_ops toggle_ops = {
	.set = set_toggle,
	.get = get_toggle,
};

#endif /* SCX_BYPASS_TOGGLE_H */
