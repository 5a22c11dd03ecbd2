/* SPDX-License-Identifier: GPL-2.0-only */
/* What a kernel must be configured with. Included before all else. */
#ifndef REQUIRES_H
#define REQUIRES_H

#ifndef CONFIG_X86_64
#error "scx_bypass_lb is for x86-64 only"
#endif
#ifndef CONFIG_SMP
#error "this kernel is for one CPU (CONFIG_SMP): there is nothing to balance, remove this package"
#endif
#ifndef CONFIG_SCHED_CLASS_EXT
#error "this kernel has no sched_ext (CONFIG_SCHED_CLASS_EXT): nothing to do, remove this package"
#endif
#ifndef CONFIG_DEBUG_INFO_BTF
#error "this kernel has no BTF (CONFIG_DEBUG_INFO_BTF), by which the module checks what it hooks"
#endif
#ifndef CONFIG_KPROBES
#error "this kernel has no kprobes (CONFIG_KPROBES), by which the module finds its functions"
#endif
#ifndef CONFIG_MODULE_UNLOAD
#error "modules of this kernel cannot be unloaded (CONFIG_MODULE_UNLOAD)"
#endif
#ifndef CONFIG_KALLSYMS_ALL
#error "this kernel does not list all its symbols (CONFIG_KALLSYMS_ALL)"
#endif
#ifndef CONFIG_DYNAMIC_FTRACE_WITH_ARGS
#error "functions of this kernel cannot be redirected (CONFIG_DYNAMIC_FTRACE_WITH_ARGS)"
#endif
#ifndef CONFIG_HAVE_STATIC_CALL
#error "this kernel has no static calls (CONFIG_HAVE_STATIC_CALL)"
#endif

#endif /* REQUIRES_H */
