// SPDX-License-Identifier: GPL-2.0-only
/* Module parameters, named and limited as kernels with a balancer have them. */
#include <linux/module.h>
#include <linux/moduleparam.h>

#include "balancer.h"
#include "expedite.h"
#include "params.h"

#define INTV_US_MAX	(10 * USEC_PER_SEC)
#define SLICE_US_MIN	100
#define SLICE_US_MAX	(100 * USEC_PER_MSEC)

/* how often the balancer runs in bypass, us; 0 stops it */
unsigned int bypass_lb_intv_us __read_mostly = 500 * USEC_PER_MSEC;
/* slice of a task that is queued in bypass, us */
unsigned int slice_bypass_us __read_mostly = 5 * USEC_PER_MSEC;
/* in bypass, tasks that were preempted inside an RCU read-side section go first */
bool readers_first __read_mostly = true;
/* and so do kernel threads that are woken */
bool kthreads_first __read_mostly = true;
/* in bypass, RCU grace periods are expedited */
bool expedite_rcu __read_mostly = true;
/* refuse to load */
bool disable;
/* only say whether it would load */
bool check;
/* how functions are redirected */
enum backend backend;

static const char * const backend_names[] = {
	[BACKEND_AUTO] = "auto",
	[BACKEND_LIVEPATCH] = "livepatch",
	[BACKEND_FTRACE] = "ftrace",
	[BACKEND_DIRECT] = "direct",
};

/**
 * backend_name() - a means of redirection, as the parameter names it
 * @which: the means
 *
 * Context: any.
 */
const char *backend_name(enum backend which)
{
	return backend_names[which];
}

static int set_in_range(const char *val, const struct kernel_param *kp,
			unsigned int min, unsigned int max)
{
	int ret = param_set_uint_minmax(val, kp, min, max);

	if (ret)
		pr_err("%s must be a number from %u to %u\n", kp->name, min, max);
	return ret;
}

static int set_intv(const char *val, const struct kernel_param *kp)
{
	int ret = set_in_range(val, kp, 0, INTV_US_MAX);

	if (!ret)
		balancer_update();
	return ret;
}

static int set_slice(const char *val, const struct kernel_param *kp)
{
	return set_in_range(val, kp, SLICE_US_MIN, SLICE_US_MAX);
}

static int set_expedite(const char *val, const struct kernel_param *kp)
{
	int ret = param_set_bool(val, kp);

	if (!ret)
		expedite_update();
	return ret;
}

static int set_backend(const char *val, const struct kernel_param *kp)
{
	int i = sysfs_match_string(backend_names, val);

	if (i < 0) {
		pr_err("%s must be auto, direct, ftrace or livepatch\n", kp->name);
		return i;
	}
	backend = i;
	return 0;
}

static int get_backend(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%s\n", backend_names[backend]);
}

static const struct kernel_param_ops intv_ops = {
	.set = set_intv,
	.get = param_get_uint,
};

static const struct kernel_param_ops slice_ops = {
	.set = set_slice,
	.get = param_get_uint,
};

module_param_cb(bypass_lb_intv_us, &intv_ops, &bypass_lb_intv_us, 0600);
MODULE_PARM_DESC(bypass_lb_intv_us,
		 "balancing interval in bypass mode, microseconds (0 to 10000000, 0 = off, default 500000)");

module_param_cb(slice_bypass_us, &slice_ops, &slice_bypass_us, 0600);
MODULE_PARM_DESC(slice_bypass_us,
		 "slice of a task in bypass mode, microseconds (100 to 100000, default 5000)");

module_param(readers_first, bool, 0600);
MODULE_PARM_DESC(readers_first,
		 "in bypass mode, tasks preempted inside an RCU read-side section run first (default Y)");

module_param(kthreads_first, bool, 0600);
MODULE_PARM_DESC(kthreads_first, "in bypass mode, woken kernel threads run first (default Y)");

static const struct kernel_param_ops expedite_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = set_expedite,
	.get = param_get_bool,
};

module_param_cb(expedite_rcu, &expedite_ops, &expedite_rcu, 0600);
MODULE_PARM_DESC(expedite_rcu, "in bypass mode, expedite RCU grace periods (default Y)");

static const struct kernel_param_ops backend_ops = {
	.set = set_backend,
	.get = get_backend,
};

module_param_cb(backend, &backend_ops, &backend, 0400);
MODULE_PARM_DESC(backend,
		 "how functions are redirected: direct, ftrace, livepatch, or auto (default), which is the first of these that works");

module_param(disable, bool, 0400);
MODULE_PARM_DESC(disable, "do not load (for the kernel command line: scx_bypass_lb.disable=1)");

module_param(check, bool, 0);
MODULE_PARM_DESC(check,
		 "do not load, but say in the kernel log whether the module would (ECANCELED: yes)");
