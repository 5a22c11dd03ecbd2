// SPDX-License-Identifier: GPL-2.0-only
/*
 * scx_bypass_lb: per-CPU bypass queues and a load balancer for sched_ext's
 * bypass mode on kernels that have neither.
 */
#include <linux/cpuhotplug.h>
#include <linux/init.h>
#include <linux/module.h>

#include "balancer.h"
#include "bypass_dsq.h"
#include "expedite.h"
#include "kern_load.h"
#include "params.h"
#include "preview.h"
#include "redirect.h"
#include "status.h"

static enum cpuhp_state cpuhp_state;

/* A node whose first CPU this is has no timers yet. */
static int cpu_up_fn(unsigned int cpu)
{
	balancer_update();
	return 0;
}

/* The CPU is no longer active: the timers go elsewhere. */
static int cpu_down_fn(unsigned int cpu)
{
	bypass_dsq_recall(cpu);
	balancer_update();
	return 0;
}

static int __init scx_bypass_lb_init(void)
{
	int ret;

	if (disable) {
		pr_notice("not loading, because the parameter disable is set\n");
		return check ? preview(-EPERM) : -ECANCELED;
	}

	ret = kern_resolve() ?: kern_verify() ?: kern_choose_hooks();
	if (check)
		return preview(ret);
	if (ret)
		return ret;

	bypass_dsq_init();
	ret = balancer_init();
	if (ret)
		return ret;

	expedite_init();

	/* called on its way down after the CPU has become inactive */
	ret = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "sched/scx_bypass_lb:online",
					cpu_up_fn, cpu_down_fn);
	if (ret < 0)
		goto err_expedite;
	cpuhp_state = ret;

	status_init();
	ret = redirect_install();
	if (ret)
		goto err_status;
	return 0;

err_status:
	status_exit();
	cpuhp_remove_state_nocalls(cpuhp_state);
err_expedite:
	expedite_exit();
	balancer_exit();
	return ret;
}

static void __exit scx_bypass_lb_exit(void)
{
	/* first: opening a file of a module that is on its way out is a WARNING */
	status_exit();
	redirect_remove();
	cpuhp_remove_state_nocalls(cpuhp_state);
	bypass_dsq_exit();
	expedite_exit();
	balancer_exit();
}

module_init(scx_bypass_lb_init);
module_exit(scx_bypass_lb_exit);

MODULE_DESCRIPTION("sched_ext: per-CPU bypass queues and a load balancer for kernels 6.12 to 6.18");
MODULE_AUTHOR("The scx_bypass_lb authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(SCX_BYPASS_LB_VERSION);
