// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests only: a task that writes to /proc/scx_bypass_reader stays inside an RCU
 * read-side section until it has seen so many ticks, so as long as it gets no CPU it stays.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>

#define READER_NAME	"scx_bypass_reader"
#define READER_TICKS	HZ

static ssize_t reader_write(struct file *file, const char __user *buf, size_t size, loff_t *pos)
{
	unsigned long last = jiffies, ticks = 0;

	rcu_read_lock();
	while (ticks < READER_TICKS && !fatal_signal_pending(current)) {
		if (time_after(jiffies, last)) {
			last = jiffies;
			ticks++;
		}
		cpu_relax();
	}
	rcu_read_unlock();
	return size;
}

static const struct proc_ops reader_ops = {
	.proc_write = reader_write,
};

static int __init reader_init(void)
{
	return proc_create(READER_NAME, 0200, NULL, &reader_ops) ? 0 : -ENOMEM;
}

static void __exit reader_exit(void)
{
	remove_proc_entry(READER_NAME, NULL);
}

module_init(reader_init);
module_exit(reader_exit);
MODULE_DESCRIPTION("test aid for scx_bypass_lb: a long RCU reader");
MODULE_LICENSE("GPL");
