// SPDX-License-Identifier: GPL-2.0-only
/*
 * Check the running kernel against what this module was built for, and learn
 * from it what is in no header. A version number proves nothing, distributions
 * backport; the kernel's BTF describes just the kernel that runs.
 */
#include <linux/ftrace.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/sched/topology.h>

#include "kern/kern.h"
#include "kern/types.h"
#include "kern/verify.h"

static int __init verify_proto(const struct kern_func *f)
{
	char found[TYPES_PROTO_LEN];
	int ret = types_proto(f->name, found);

	if (ret) {
		pr_err("the kernel's BTF does not describe function %s\n", f->name);
	} else if (strcmp(found, f->proto)) {
		pr_err("function %s has prototype %s in this kernel, but this module expects %s\n",
		       f->name, found, f->proto);
		ret = -ENOEXEC;
	}
	return ret;
}

struct known_member {
	const char *name;
	const char *member;
	u32 offset;
	u32 size;
};

#define KNOWN(type, m) { #type, #m, offsetof(struct type, m), sizeof_field(struct type, m) }

/*
 * All members that the module reads and writes, of structures that the kernel's headers have. Those
 * that every module uses are left out. The running kernel must have each where the headers have
 * it, and as large. Of struct scx_dispatch_q all are here: it may have no others.
 */
static const struct known_member verify_members[] __initconst = {
	KNOWN(scx_dispatch_q, lock),
	KNOWN(scx_dispatch_q, list),
	KNOWN(scx_dispatch_q, priq),
	KNOWN(scx_dispatch_q, nr),
	KNOWN(scx_dispatch_q, seq),
	KNOWN(scx_dispatch_q, id),
	KNOWN(scx_dsq_list_node, node),
	KNOWN(scx_dsq_list_node, flags),
	KNOWN(sched_ext_entity, dsq),
	KNOWN(sched_ext_entity, dsq_list),
	KNOWN(sched_ext_entity, dsq_seq),
	KNOWN(sched_ext_entity, ops_state),
	KNOWN(sched_ext_entity, ddsp_dsq_id),
	KNOWN(sched_ext_entity, ddsp_enq_flags),
	KNOWN(sched_ext_entity, slice),
	KNOWN(sched_ext_entity, runnable_at),
	KNOWN(task_struct, scx),
	KNOWN(task_struct, thread_info),
	KNOWN(task_struct, usage),
	KNOWN(task_struct, rcu),
	KNOWN(task_struct, __state),
	KNOWN(task_struct, pi_lock),
	KNOWN(task_struct, sched_class),
	KNOWN(task_struct, cpus_ptr),
	KNOWN(task_struct, migration_disabled),
	KNOWN(task_struct, flags),
	KNOWN(task_struct, policy),
	KNOWN(task_struct, prio),
	KNOWN(task_struct, static_prio),
	KNOWN(task_struct, rt_priority),
	KNOWN(task_struct, timer_slack_ns),
	KNOWN(task_struct, se),
	KNOWN(task_struct, tasks),
	KNOWN(task_struct, thread_node),
	KNOWN(task_struct, signal),
#ifdef CONFIG_PREEMPT_RCU
	KNOWN(task_struct, rcu_read_lock_nesting),
#endif
#ifdef CONFIG_TASKS_RCU
	KNOWN(task_struct, rcu_tasks_holdout),
#endif
#ifdef CONFIG_LIVEPATCH
	KNOWN(task_struct, patch_state),
#endif
	KNOWN(task_struct, pid),
	KNOWN(task_struct, comm),
	KNOWN(sched_entity, load),
	KNOWN(load_weight, weight),
	KNOWN(sched_entity, slice),
	KNOWN(sched_entity, custom_slice),
	KNOWN(sched_entity, sum_exec_runtime),
	KNOWN(thread_info, cpu),
	KNOWN(signal_struct, thread_head),
	KNOWN(signal_struct, rlim),
#ifdef CONFIG_PREEMPT_RT
	KNOWN(mutex, rtmutex),
	KNOWN(rt_mutex_base, owner),
#else
	KNOWN(mutex, owner),
#endif
	KNOWN(sched_domain, parent),
	KNOWN(sched_domain, last_balance),
	KNOWN(sched_domain, max_interval),
	KNOWN(sched_domain, balance_interval),
	KNOWN(sched_domain, busy_factor),
	KNOWN(dyn_ftrace, ip),
	KNOWN(dyn_ftrace, flags),
#ifdef CONFIG_LIVEPATCH
	KNOWN(klp_patch, list),
	KNOWN(klp_patch, mod),
	KNOWN(klp_patch, objs),
	KNOWN(klp_patch, replace),
	KNOWN(klp_patch, kobj),
	KNOWN(klp_patch, forced),
	KNOWN(klp_object, name),
	KNOWN(klp_object, funcs),
	KNOWN(klp_func, old_name),
	KNOWN(klp_func, new_func),
	KNOWN(kobject, ktype),
	KNOWN(kobj_type, default_groups),
	KNOWN(attribute_group, attrs),
	KNOWN(kobj_attribute, store),
#endif
};

/* Where is a member that has @size bytes? */
static int __init verify_learn(const char *name, const char *member, u32 size, u32 *offset)
{
	u32 found;
	int bits = types_member(name, member, &found);

	if (bits < 0)
		return bits;
	if (found != size || bits % BITS_PER_BYTE) {
		pr_err("%s.%s has %u bytes at bit %d in this kernel, but this module expects %u\n",
		       name, member, found, bits, size);
		return -ENOEXEC;
	}
	*offset = bits / BITS_PER_BYTE;
	return 0;
}

static int __init verify_known_members(void)
{
	const struct known_member *m = verify_members;
	u32 offset;
	int ret;

	for (; m < verify_members + ARRAY_SIZE(verify_members); m++) {
		ret = verify_learn(m->name, m->member, m->size, &offset);
		if (ret)
			return ret;
		if (offset != m->offset) {
			pr_err("%s.%s is at byte %u in this kernel, but at %u in the headers this module was built with\n",
			       m->name, m->member, offset, m->offset);
			return -ENOEXEC;
		}
	}
	return 0;
}

/*
 * All that a DSQ is made of; the module makes and fills DSQs of its own. The first task is kept for
 * scx_bpf_dsq_peek() and for DSQs of the BPF scheduler only: it stays NULL in those whose id is a
 * built-in one, as the module's are.
 */
static const char * const verify_dsq_members[] __initconst = {
	"lock", "first_task", "list", "priq", "nr", "seq", "id", "hash_node", "free_node", "rcu",
};

/* A member that is new here would have to be maintained, and the module does not know how. */
static int __init verify_dsq(void)
{
	const char *name;
	unsigned int i;

	for (i = 0; (name = types_member_name("scx_dispatch_q", i)); i++) {
		if (match_string(verify_dsq_members, ARRAY_SIZE(verify_dsq_members), name) < 0) {
			pr_err("struct scx_dispatch_q has a member %s in this kernel, which this module does not know\n",
			       name);
			return -ENOEXEC;
		}
	}
	return 0;
}

/* What lockdep is to be asked about. */
static int __init verify_learn_rq_locks(void)
{
	int ret = 0;

#ifdef CONFIG_LOCKDEP
	ret = verify_learn("rq", "__lock", sizeof(raw_spinlock_t), &kern_layout.rq_lock);
#ifdef CONFIG_SCHED_CORE
	ret = ret ?: verify_learn("rq", "core", sizeof(struct rq *), &kern_layout.rq_core) ?:
	      verify_learn("rq", "core_enabled", sizeof(u32), &kern_layout.rq_core_enabled);
#endif
#endif
	return ret;
}

static int __init verify_learn_layout(void)
{
	struct kern_layout *k = &kern_layout;
	int scx, rt, bit, cpu, ret;
	u32 size;

	scx = types_member("rq", "scx", &size);
	if (scx < 0)
		return scx;
	scx /= BITS_PER_BYTE;
	rt = types_member("rq", "rt", &size);
	if (rt < 0)
		return rt;
	rt /= BITS_PER_BYTE;
	bit = types_member("task_struct", "sched_reset_on_fork", &size);
	if (bit < 0)
		return bit;
	k->task_resets_on_fork = bit;

	ret = verify_learn("scx_rq", "flags", sizeof(u32), &k->rq_scx_flags) ?:
	      verify_learn("scx_rq", "nr_running", sizeof(u32), &k->rq_scx_nr_running) ?:
	      verify_learn("scx_rq", "local_dsq", sizeof(struct scx_dispatch_q),
			   &k->rq_local_dsq) ?:
	      verify_learn("rt_rq", "rt_nr_running", sizeof(u32), &k->rq_rt_nr_running) ?:
	      verify_learn("rq", "nr_running", sizeof(u32), &k->rq_nr_running) ?:
	      verify_learn("rq", "cpu", sizeof(u32), &k->rq_cpu) ?:
	      verify_learn("rq", "curr", sizeof(struct task_struct *), &k->rq_curr) ?:
	      verify_learn("rq", "sd", sizeof(struct sched_domain *), &k->rq_sd) ?:
	      verify_learn_rq_locks();
	if (ret)
		return ret;
	k->rq_scx_flags += scx;
	k->rq_scx_nr_running += scx;
	k->rq_local_dsq += scx;
	k->rq_rt_nr_running += rt;

	/* proves the symbol and the layout at once */
	for_each_possible_cpu(cpu) {
		if (kern_rq_cpu(kern_cpu_rq(cpu)) != cpu) {
			pr_err("the run queue of CPU %d is not where it should be\n", cpu);
			return -ENOEXEC;
		}
	}
	return 0;
}

static int __init verify_learn_enum(const char *type, const char *name, u64 *value)
{
	const char *found;
	unsigned int i;

	for (i = 0; (found = types_enumerator(type, i, value)); i++)
		if (!strcmp(found, name))
			return 0;
	pr_err("the kernel's BTF has no %s in enum %s\n", name, type);
	return -ENOENT;
}

static int __init verify_enum(const char *type, const char *name, u64 expected)
{
	u64 found;
	int ret = verify_learn_enum(type, name, &found);

	if (!ret && found != expected) {
		pr_err("%s is %#llx in this kernel, but this module expects %#llx\n",
		       name, found, expected);
		ret = -ENOEXEC;
	}
	return ret;
}

/* No enumerator of @type may be @value: the module uses that itself. */
static int __init verify_free(const char *type, u64 value)
{
	const char *name;
	unsigned int i;
	u64 found;

	for (i = 0; (name = types_enumerator(type, i, &found)); i++) {
		if (found == value) {
			pr_err("%s is %#llx in this kernel, a value that this module reserves for itself\n",
			       name, found);
			return -ENOEXEC;
		}
	}
	return 0;
}

/* The enum that says whether a scheduler is loaded has an older name and a newer one. */
static int __init verify_learn_sched_state(void)
{
	u64 *unloaded = &kern_layout.sched_unloaded;

	if (types_enumerator("scx_ops_enable_state", 0, unloaded))
		return verify_learn_enum("scx_ops_enable_state", "SCX_OPS_DISABLED", unloaded);
	return verify_learn_enum("scx_enable_state", "SCX_DISABLED", unloaded);
}

static int __init verify_learn_enums(void)
{
	struct kern_layout *k = &kern_layout;

	return verify_enum("scx_dsq_id_flags", "SCX_DSQ_GLOBAL", SCX_DSQ_GLOBAL) ?:
	       verify_enum("scx_dsq_id_flags", "SCX_DSQ_INVALID", SCX_DSQ_INVALID) ?:
	       verify_free("scx_dsq_id_flags", SCX_DSQ_BYPASS) ?:
	       verify_enum("scx_dsq_lnode_flags", "SCX_DSQ_LNODE_ITER_CURSOR",
			   SCX_DSQ_LNODE_ITER_CURSOR) ?:
	       verify_enum("scx_ops_state", "SCX_OPSS_NONE", KERN_OPSS_NONE) ?:
	       verify_learn_enum("scx_rq_flags", "SCX_RQ_ONLINE", &k->rq_online) ?:
	       verify_learn_enum("scx_rq_flags", "SCX_RQ_BYPASSING", &k->rq_bypassing) ?:
	       verify_learn_enum("scx_enq_flags", "SCX_ENQ_HEAD", &k->enq_head) ?:
	       verify_learn_enum("scx_enq_flags", "SCX_ENQ_PREEMPT", &k->enq_preempt) ?:
	       verify_learn_enum("scx_enq_flags", "SCX_ENQ_CLEAR_OPSS", &k->enq_clear_opss) ?:
	       verify_learn_enum("scx_enq_flags", "SCX_ENQ_DSQ_PRIQ", &k->enq_dsq_priq) ?:
	       verify_learn_sched_state();
}

/**
 * verify_kernel() - check prototypes and layouts against the kernel's BTF
 *
 * Fills in kern_layout. Reports in one line what differs.
 *
 * Context: module init after resolve_kernel(), may sleep.
 * Return: 0, -ENOENT if the BTF lacks something, -ENOEXEC if something is
 * not as this module was built to expect, or what loading the BTF returns.
 */
int __init verify_kernel(void)
{
	const struct kern_func *f = kern_funcs;
	int ret = types_load();

	for (; f->name && !ret; f++)
		ret = verify_proto(f);

	return ret ?: verify_known_members() ?: verify_dsq() ?: verify_learn_layout() ?:
	       verify_learn_enums();
}
