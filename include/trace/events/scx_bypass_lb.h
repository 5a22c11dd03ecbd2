/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tracepoint sched_ext:sched_ext_bypass_lb, with the fields that kernels
 * with a balancer of their own give it, so that scripts need not care.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM sched_ext
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE scx_bypass_lb

#if !defined(_TRACE_SCX_BYPASS_LB_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_SCX_BYPASS_LB_H

#include <linux/tracepoint.h>

TRACE_EVENT(sched_ext_bypass_lb,
	    TP_PROTO(u32 node, u32 nr_cpus, u32 nr_tasks, u32 nr_balanced,
		     u32 before_min, u32 before_max, u32 after_min, u32 after_max),

	    TP_ARGS(node, nr_cpus, nr_tasks, nr_balanced,
		    before_min, before_max, after_min, after_max),

	    TP_STRUCT__entry(__field(u32, node)
			     __field(u32, nr_cpus)
			     __field(u32, nr_tasks)
			     __field(u32, nr_balanced)
			     __field(u32, before_min)
			     __field(u32, before_max)
			     __field(u32, after_min)
			     __field(u32, after_max)
	    ),

	    TP_fast_assign(__entry->node = node;
			   __entry->nr_cpus = nr_cpus;
			   __entry->nr_tasks = nr_tasks;
			   __entry->nr_balanced = nr_balanced;
			   __entry->before_min = before_min;
			   __entry->before_max = before_max;
			   __entry->after_min = after_min;
			   __entry->after_max = after_max;
	    ),

	    TP_printk("node %u: nr_cpus=%u nr_tasks=%u nr_balanced=%u before=%u-%u after=%u-%u",
		      __entry->node, __entry->nr_cpus, __entry->nr_tasks,
		      __entry->nr_balanced, __entry->before_min,
		      __entry->before_max, __entry->after_min, __entry->after_max)
);

#endif /* _TRACE_SCX_BYPASS_LB_H */

#include <trace/define_trace.h>
