// SPDX-License-Identifier: GPL-2.0-only
/* For tests only: what holds bypass open, and the disabling of a scheduler in the middle of it. */
#include <linux/err.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/percpu-rwsem.h>
#include <linux/static_call.h>

#include "lookup.h"
#include "test.h"
#include "toggle.h"

typedef void scx_bypass_fn(bool bypass);
DEFINE_STATIC_CALL_NULL(scx_bypass, scx_bypass_fn);

static int set_hold(bool on)
{
	static_call(scx_bypass)(on);
	return 0;
}

static struct toggle hold = { .set = set_hold };
module_param_cb(hold, &toggle_ops, &hold, 0600);
MODULE_PARM_DESC(hold, "hold bypass mode");

/*
 * Hold scx_fork_rwsem as a reader, as a task in the middle of fork() does: the disabling
 * task waits for it with bypass on, when all tasks are still in sched_ext.
 */
static struct percpu_rw_semaphore *fork_rwsem;

static int find_fork_rwsem(void)
{
	int ret = find_lookup();

	if (ret)
		return ret;
	fork_rwsem = (void *)static_call(lookup)("scx_fork_rwsem");
	return fork_rwsem ? 0 : -ENOENT;
}

static int set_hold_fork(bool on)
{
	int ret = fork_rwsem ? 0 : find_fork_rwsem();

	if (ret)
		return ret;
	/* lockdep has to be told that it is held in user space */
	if (on) {
		percpu_down_read(fork_rwsem);
		percpu_rwsem_release(fork_rwsem, _THIS_IP_);
	} else {
		percpu_rwsem_acquire(fork_rwsem, true, _THIS_IP_);
		percpu_up_read(fork_rwsem);
	}
	return 0;
}

static struct toggle hold_fork = { .set = set_hold_fork };
module_param_cb(hold_fork, &toggle_ops, &hold_fork, 0600);
MODULE_PARM_DESC(hold_fork, "hold scx_fork_rwsem as a reader (one task writes both 1 and 0)");

int __init hold_init(void)
{
	void *found = find_function("scx_bypass");

	/* its older name */
	if (IS_ERR(found))
		found = find_function("scx_ops_bypass");
	if (IS_ERR(found))
		return PTR_ERR(found);
	static_call_update(scx_bypass, found);
	return 0;
}

void hold_exit(void)
{
	if (hold.on)
		static_call(scx_bypass)(false);
}
