# SPDX-License-Identifier: GPL-2.0-only
"""Fetch kernels, build the module and the guest's programs for them."""
import os
import shutil
import subprocess

import vm

TESTS = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(TESTS)
CACHE = os.environ.get("CACHE") or os.path.expanduser("~/.cache/scx_bypass_lb")

# release: (version of the package, suite)
KERNELS = {
    "6.18.15+deb13-amd64": ("6.18.15-1~bpo13+1", "trixie-backports"),
}
MAIN_KERNEL = "6.18.15+deb13-amd64"

# Copies of the module with one string changed, so that it expects what the
# kernel has not: name, old and new string, errno, message.
BROKEN = (
    ("symbol", "resched_cpu", "resched_cpX", 2,
     "symbol resched_cpX is missing in this kernel"),
    ("prototype", "bool(*scx_sched,*rq,*scx_dispatch_q)",
     "void(*scx_sched,*rq,*scx_dispatch_q)", 8,
     "function consume_dispatch_q is bool(*scx_sched,*rq,*scx_dispatch_q) in this kernel, "
     "but this module knows it as void("),
    ("helper-prototype", "void(*rq,s32)", "void(*rq,u32)", 8,
     "function raw_spin_rq_lock_nested is void(*rq,s32) in this kernel"),
    ("offset", "dsq_seq", "weight", 8, "sched_ext_entity.weight is at byte"),
    ("member", "ops_state", "ops_stale", 2,
     "no usable member ops_stale in struct sched_ext_entity"),
    ("enum", "SCX_RQ_BYPASSING", "SCX_RQ_BYPASSINX", 2,
     "no SCX_RQ_BYPASSINX in enum scx_rq_flags"),
    ("native-balancer", "scx_bypass_lb_timerfn", "scx_disable_workfn", 95,
     "this kernel balances sched_ext's bypass mode itself: nothing to do"),
    ("fewer-arguments", "void(bool)", "void()", 8,
     "function scx_bypass is void(bool) in this kernel"),
)


class BuildError(Exception):
    """A step of the build failed; the text says which and where its log is."""


def logged(step, command, log, **kwargs):
    with open(log, "w", encoding="utf-8") as f:
        if subprocess.run(command, stdout=f, stderr=subprocess.STDOUT, check=False,
                          **kwargs).returncode:
            raise BuildError(f"{step} failed, see {log}")


def kernel(release):
    """The directory of a kernel, made by setup/kernel.sh."""
    version, suite = KERNELS[release]
    subprocess.run(["sh", os.path.join(TESTS, "setup", "kernel.sh"), release, version, suite],
                   check=True, env={**os.environ, "CACHE": CACHE})
    return os.path.join(CACHE, "kernels", release)


def broken_modules(module, target):
    """Write the modules of BROKEN and a list of them to the directory target."""
    os.makedirs(target, exist_ok=True)
    with open(module, "rb") as f:
        image = f.read()
    with open(os.path.join(target, "list"), "w", encoding="utf-8") as listing:
        for name, old, new, errno, message in BROKEN:
            before = b"\0" + old.encode() + b"\0"
            after = (b"\0" + new.encode()).ljust(len(before), b"\0")
            if before not in image:
                raise BuildError(f"there is no '{old}' in the module")
            with open(os.path.join(target, name + ".ko"), "wb") as f:
                f.write(image.replace(before, after))
            listing.write(f"{name} {errno} {message}\n")


def build(release):
    """Build all for a kernel. Returns (its directory, the guest's initramfs)."""
    directory = kernel(release)
    out = os.path.join(CACHE, "out", release)
    module = os.path.join(out, "module")
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(module)
    for name in ("Kbuild", "Makefile", "dkms.conf"):
        shutil.copy(os.path.join(TOP, name), module)
    for name in ("src", "include"):
        shutil.copytree(os.path.join(TOP, name), os.path.join(module, name),
                        ignore=shutil.ignore_patterns("*.o", ".*"))

    logged("building the module", ["make", "-C", module, f"KDIR={directory}/build"],
           os.path.join(out, "module.log"))
    logged("building the tests", ["make", "-C", TESTS, f"KERNEL={directory}", f"OUT={out}"],
           os.path.join(out, "tests.log"))
    broken = os.path.join(out, "broken")
    broken_modules(os.path.join(module, "scx_bypass_lb.ko"), broken)

    init = os.path.join(out, "init")
    files = {
        "/init": init,
        "/pile.bpf.o": os.path.join(out, "pile.bpf.o"),
        "/scx_bypass_lb.ko": os.path.join(module, "scx_bypass_lb.ko"),
        "/scx_bypass_test.ko": os.path.join(out, "kmod", "scx_bypass_test.ko"),
    }
    files.update({path: path for path in vm.libraries(init)})
    files.update({f"/broken/{name}": os.path.join(broken, name) for name in os.listdir(broken)})
    initrd = os.path.join(out, "initrd")
    vm.initramfs(files, initrd)
    return directory, initrd
