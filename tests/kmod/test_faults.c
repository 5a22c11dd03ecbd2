// SPDX-License-Identifier: GPL-2.0-only
/* For tests only: what the module may find out of order in a kernel. */
#include <linux/cpuhotplug.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/static_call.h>

#include "function.h"
#include "test.h"
#include "toggle.h"

/* All dynamic hotplug states there are, so that there is none for others. */
#define MAX_STATES	64
static int states[MAX_STATES];
static unsigned int nr_states;
static bool taking;

static void give_states_back(void)
{
	while (nr_states)
		cpuhp_remove_state_nocalls(states[--nr_states]);
}

static int no_work(unsigned int cpu)
{
	return 0;
}

static int set_take_hotplug(const char *val, const struct kernel_param *kp)
{
	int ret = param_set_bool(val, kp);

	if (ret)
		return ret;
	give_states_back();
	while (taking && nr_states < MAX_STATES) {
		int state = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "test:taken",
						      no_work, NULL);
		if (state < 0)
			break;
		states[nr_states++] = state;
	}
	return 0;
}

static const struct kernel_param_ops take_hotplug_ops = {
	.set = set_take_hotplug,
	.get = param_get_bool,
};
module_param_cb(take_hotplug, &take_hotplug_ops, &taking, 0600);
MODULE_PARM_DESC(take_hotplug, "leave no CPU hotplug state for others");

/* ftrace stops for good, as after a fault of its own. */
typedef void ftrace_kill_fn(void);
DEFINE_STATIC_CALL_NULL(ftrace_kill, ftrace_kill_fn);

static int kill_ftrace(bool on)
{
	void *found = find_function("ftrace_kill");

	if (IS_ERR(found))
		return PTR_ERR(found);
	static_call_update(ftrace_kill, found);
	static_call(ftrace_kill)();
	return 0;
}

static struct toggle dead_ftrace = { .set = kill_ftrace };
module_param_cb(dead_ftrace, &toggle_ops, &dead_ftrace, 0200);
MODULE_PARM_DESC(dead_ftrace, "stop ftrace for good");

void faults_exit(void)
{
	give_states_back();
}
