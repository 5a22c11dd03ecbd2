# SPDX-License-Identifier: GPL-2.0-only
"""Build the module and the guest's programs for a target."""
import os
import re
import shutil
import subprocess

import vm
from kernels import CACHE, TESTS, SetupError

TOP = os.path.dirname(TESTS)

# The image was built with gcc: for that it expects calls of __fentry__ in a
# module, where objtool would have put nops already.
CLANG = ("LLVM=-19", "CONFIG_HAVE_OBJTOOL_NOP_MCOUNT=")
# How a race over a task's queue comes out: by the module's own assertion, which asks
# lockdep, before anything else can see it
RACED = (r"WARNING: .*bypass_dsq_unlink|list_(add|del) corruption|"
         r"BUG: KASAN: .* in .*(dispatch_dequeue|bypass_dsq)")
# Copies of the module with strings changed, so that it expects what the kernel
# has not: name, {old: new string}, errno, message.
BROKEN = (
    ("symbol", {"resched_cpu": "resched_cpX"}, 2,
     "symbol resched_cpX is missing in this kernel"),
    ("prototype", {"bool(*scx_sched,*rq,*scx_dispatch_q)": "void(*scx_sched,*rq,*scx_dispatch_q)",
                   "bool(*rq,*scx_dispatch_q)": "void(*rq,*scx_dispatch_q)"}, 8,
     "*rq,*scx_dispatch_q) in this kernel, which is no form that this module knows"),
    ("fewer-arguments", {"void(bool)": "void()"}, 8,
     "bypass is void(bool) in this kernel, which is no form that this module knows"),
    ("helper-prototype", {"void(*rq,s32)": "void(*rq,u32)"}, 8,
     "function raw_spin_rq_lock_nested is void(*rq,s32) in this kernel, "
     "but this module knows it as void(*rq,u32)"),
    ("offset", {"dsq_seq": "weight"}, 8, "sched_ext_entity.weight is at byte"),
    ("member", {"ops_state": "ops_stale"}, 2,
     "no usable member ops_stale in struct sched_ext_entity"),
    ("enum", {"SCX_RQ_BYPASSING": "SCX_RQ_BYPASSINX"}, 2,
     "no SCX_RQ_BYPASSINX in enum scx_rq_flags"),
    ("native-balancer", {"scx_bypass_lb_timerfn": "kallsyms_lookup_name"}, 95,
     "this kernel balances sched_ext's bypass mode itself: nothing to do"),
)

# What is left out to see that the tests would notice: name, file of the module,
# {old: new text}, what the kernel says then.
MUTANTS = {
    "nesting": ("src/bypass_dsq.c", {
        "raw_spin_lock_nested(&dsq->lock, SINGLE_DEPTH_NESTING)": "raw_spin_lock(&dsq->lock)",
    }, r"possible recursive locking detected"),
    "task-cpu": ("src/pass.c", {
        "\t\tif (task_cpu(p) != donor)\n\t\t\tcontinue;\n": "",
    }, RACED),
    "rq-lock": ("src/pass.c", {
        "kern_rq_lock_irq(rq);": "local_irq_disable();",
        "kern_rq_unlock_irq(rq);": "local_irq_enable();",
    }, RACED),
}


def version():
    """The one in dkms.conf."""
    with open(os.path.join(TOP, "dkms.conf"), encoding="utf-8") as f:
        return re.search('^PACKAGE_VERSION="(.*)"', f.read(), re.MULTILINE).group(1)


def logged(step, command, log):
    with open(log, "w", encoding="utf-8") as f:
        if subprocess.run(command, stdout=f, stderr=subprocess.STDOUT, check=False).returncode:
            raise SetupError(f"{step} failed", log)


def broken_modules(module, target):
    """Write the modules of BROKEN and a list of them to the directory target."""
    os.makedirs(target, exist_ok=True)
    with open(module, "rb") as f:
        image = f.read()
    with open(os.path.join(target, "list"), "w", encoding="utf-8") as listing:
        for name, changes, errno, message in BROKEN:
            changed = image
            for old, new in changes.items():
                before = b"\0" + old.encode() + b"\0"
                if before not in image:
                    raise SetupError(f"there is no '{old}' in {module}")
                changed = changed.replace(before, (b"\0" + new.encode()).ljust(len(before), b"\0"))
            with open(os.path.join(target, name + ".ko"), "wb") as f:
                f.write(changed)
            listing.write(f"{name} {errno} {message}\n")


def output(target):
    """The directory for what is built for a target."""
    return os.path.join(CACHE, "out", target.name)


def module_path(target):
    """Where module() puts the module."""
    return os.path.join(output(target), "module", "scx_bypass_lb.ko")


def module(target, kernel, mutant=""):
    """Build the module as an administrator would, or a mutant of it.

    In a new directory. Returns where it is.
    """
    out = output(target)
    source = os.path.join(out, mutant or "module")
    shutil.rmtree(source, ignore_errors=True)
    os.makedirs(source)
    for name in ("Kbuild", "Makefile", "dkms.conf"):
        shutil.copy(os.path.join(TOP, name), source)
    for name in ("src", "include"):
        shutil.copytree(os.path.join(TOP, name), os.path.join(source, name),
                        ignore=shutil.ignore_patterns("*.o", ".*"))
    if mutant:
        mutate(source, *MUTANTS[mutant][:2])
    tree = "build-clang" if target.clang else "build"
    logged(f"building the module for {target.name} {mutant}".rstrip(),
           ["make", "-C", source, f"KDIR={kernel}/{tree}", *target.kernel.make_variables,
            *(CLANG if target.clang else [])], os.path.join(out, "module.log"))
    return os.path.join(source, "scx_bypass_lb.ko")


def mutate(source, name, changes):
    path = os.path.join(source, name)
    with open(path, encoding="utf-8") as f:
        text = f.read()
    for old, new in changes.items():
        if text.count(old) != 1:
            raise SetupError(f"there is not one '{old}'", path)
        text = text.replace(old, new)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def build(target, kernel, names=(), programs=()):
    """Build all for a target and its kernel's directory, for the runs of these names.

    programs: of the host, for the guest as well
    Returns the guest's initramfs.
    """
    out = output(target)
    shutil.rmtree(out, ignore_errors=True)
    module(target, kernel)
    logged(f"building the tests for {target.name}",
           ["make", "-C", TESTS, f"KERNEL={kernel}", f"OUT={out}",
            *target.kernel.make_variables],
           os.path.join(out, "tests.log"))
    logged(f"building scx-bypass for {target.name}",
           ["make", "-C", os.path.join(TOP, "tools"), f"OUT={out}"],
           os.path.join(out, "tools.log"))
    broken_modules(module_path(target), os.path.join(out, "broken"))

    files = {"/scx_bypass_lb.ko": module_path(target), "/init": os.path.join(out, "init"),
             "/scx-bypass": os.path.join(out, "scx-bypass"),
             "/abi": os.path.join(TOP, "docs/ABI/debugfs-scx_bypass_lb"),
             "/bypass.bt": os.path.join(TOP, "contrib/bypass.bt")}
    files.update({path: path for path in programs})
    for program in (files["/init"], *programs):
        files.update({path: path for path in vm.libraries(program)})
    if "peers/module" in names:
        peers = target.kernel.peers()
        files.update({f"/peers/{os.path.basename(path)}": path for path in peers})
        files.update({path: path for path in vm.libraries(peers[0])})
    for mutant in (name.split("/")[1] for name in names if name.startswith("mutant/")):
        files[f"/mutant-{mutant}.ko"] = module(target, kernel, mutant)
    for directory, suffix, inside in (("", ".bpf.o", "/"), ("kmod", ".ko", "/"),
                                      ("broken", "", "/broken/")):
        for name in os.listdir(os.path.join(out, directory)):
            if name.endswith(suffix):
                files[inside + name] = os.path.join(out, directory, name)
    path = os.path.join(out, "initrd")
    vm.initramfs(files, path)
    return path
