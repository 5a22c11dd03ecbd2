// SPDX-License-Identifier: GPL-2.0-only
/*
 * scx_bypass_lb: per-CPU bypass queues and a load balancer for sched_ext's
 * bypass mode on kernels that have neither.
 */
#include <linux/cpuhotplug.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/utsname.h>

#include "balance/lb_node.h"
#include "balance/timing.h"
#include "hasten/enabling.h"
#include "hasten/expedite.h"
#include "hooks/proof.h"
#include "hooks/sites.h"
#include "kern/kern.h"
#include "kern/resolve.h"
#include "kern/verify.h"
#include "queue/bypass_dsq.h"
#include "queue/sweep.h"
#include "redirect/redirect.h"
#include "status.h"

static bool main_disable;
module_param_named(disable, main_disable, bool, 0400);
MODULE_PARM_DESC(disable, "do not load (for the kernel command line: scx_bypass_lb.disable=1)");

static bool main_check;
module_param_named(check, main_check, bool, 0);
MODULE_PARM_DESC(check,
		 "do not load, but say in the kernel log whether the module would (ECANCELED: yes)");

static enum cpuhp_state main_cpuhp_state;

/* A node whose first CPU this is has no timers yet. */
static int main_cpu_up(unsigned int cpu)
{
	lb_node_place_cpu(cpu);
	timing_cpu_up();
	timing_update();
	return 0;
}

/* The CPU is no longer active: the timers move to another one. */
static int main_cpu_down(unsigned int cpu)
{
	sweep_recall(cpu);
	timing_update();
	return 0;
}

/*
 * check=1: report whether the module would load, and touch nothing. @ret: what finding
 * and verifying the kernel's functions has returned. What is left is to see whether they
 * have other users. Returns -ECANCELED if the module would load, else what loading would
 * return.
 */
static int __init main_preview(int ret)
{
	ret = ret ?: redirect_choose();
	if (ret) {
		pr_err("would not load (error %d): see the line above for the reason\n", ret);
		return ret;
	}
	pr_info("would load: backend %s, kernel %s\n", redirect_backend(),
		init_utsname()->release);
	return -ECANCELED;
}

static void __init main_start_threads(void)
{
	enabling_start();
	expedite_start();
}

static int __init main_init(void)
{
	int ret;

	if (main_disable) {
		pr_notice("not loading, because the parameter disable is set\n");
		return main_check ? main_preview(-EPERM) : -ECANCELED;
	}

	ret = resolve_kernel() ?: verify_kernel() ?: sites_choose();
	if (main_check)
		return main_preview(ret);
	if (ret)
		return ret;

	bypass_dsq_init();
	proof_init(sites[HOOK_CONSUME].described);
	ret = expedite_init();
	if (ret)
		return ret;
	/* no CPU comes up in between */
	cpus_read_lock();
	ret = lb_node_init();
	if (ret) {
		cpus_read_unlock();
		goto err_expedite;
	}
	timing_init();
	/* called on its way down after the CPU has become inactive */
	ret = cpuhp_setup_state_nocalls_cpuslocked(CPUHP_AP_ONLINE_DYN,
						   "sched/scx_bypass_lb:online",
						   main_cpu_up, main_cpu_down);
	cpus_read_unlock();
	if (ret < 0)
		goto err_timing;
	main_cpuhp_state = ret;

	/* In bypass, redirect first: starting a thread would wait in the kernel's queue. */
	if (!kern_sched_is_bypassed())
		main_start_threads();
	ret = redirect_install();
	if (ret)
		goto err_threads;
	main_start_threads();
	/* last: nothing waits for a file that is open, if loading fails */
	status_init();
	return 0;

err_threads:
	enabling_exit();
	cpuhp_remove_state_nocalls(main_cpuhp_state);
err_timing:
	timing_exit();
	lb_node_exit();
err_expedite:
	expedite_exit();
	return ret;
}

static void __exit main_exit(void)
{
	/* first: opening a file of a module that is on its way out is a WARNING */
	status_exit();
	redirect_remove();
	cpuhp_remove_state_nocalls(main_cpuhp_state);
	bypass_dsq_exit();
	/* these wait for threads, so the guard is still there */
	enabling_exit();
	expedite_exit();
	timing_exit();
	lb_node_exit();
}

module_init(main_init);
module_exit(main_exit);

MODULE_DESCRIPTION("sched_ext: per-CPU bypass queues and a load balancer for kernels 6.12 to 6.18");
MODULE_AUTHOR("The scx_bypass_lb authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(SCX_BYPASS_LB_VERSION);
