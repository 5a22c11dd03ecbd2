# SPDX-License-Identifier: GPL-2.0-only
"""Build the module and the guest's programs for a target."""
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from lab.booting import initramfs, libraries
from lab.kernels import CACHE, TESTS, TOP, SetupError, Target
from lab.processes import tethered

# The image was built with gcc: for that it expects calls of __fentry__ in a
# module, where objtool would have put nops already.
CLANG = ("LLVM=-19", "CONFIG_HAVE_OBJTOOL_NOP_MCOUNT=")
# How a race over a task's queue comes out: by the module's own assertion, which asks
# lockdep, before anything else can see it
RACED = (r"WARNING: .*bypass_dsq_unlink|list_(add|del) corruption|"
         r"BUG: KASAN: .* in .*(dispatch_dequeue|bypass_dsq)")
# Copies of the module with strings changed, so that it expects what the kernel
# has not: name, {old: new string}, errno, message.
BROKEN: tuple[tuple[str, dict[str, str], int, str], ...] = (
    ("symbol", {"resched_cpu": "resched_cpX"}, 2,
     "symbol resched_cpX is missing in this kernel"),
    ("prototype", {f"void({one}*scx_dispatch_q,*task_struct,u64)":
                   f"bool({one}*scx_dispatch_q,*task_struct,u64)" for one in ("*scx_sched,", "")},
     8, "*scx_dispatch_q,*task_struct,u64) in this kernel, which this module does not support"),
    ("fewer-arguments", {"void(bool)": "void()"}, 8,
     "bypass has prototype void(bool) in this kernel, which this module does not support"),
    ("helper-prototype", {"void(*rq,s32)": "void(*rq,u32)"}, 8,
     "function raw_spin_rq_lock_nested has prototype void(*rq,s32) in this kernel, "
     "but this module expects void(*rq,u32)"),
    ("offset", {"dsq_seq": "weight"}, 8, "sched_ext_entity.weight is at byte"),
    ("member", {"ops_state": "ops_stale"}, 2,
     "no usable member ops_stale in struct sched_ext_entity"),
    ("enum", {"SCX_RQ_BYPASSING": "SCX_RQ_BYPASSINX"}, 2,
     "no SCX_RQ_BYPASSINX in enum scx_rq_flags"),
    ("value", {"SCX_DSQ_INVALID": "SCX_DSQ_LOCAL"}, 8,
     "SCX_DSQ_LOCAL is 0x8000000000000002 in this kernel, but this module expects "
     "0x8000000000000000"),
    ("size", {"sum_exec_runtime": "on_rq"}, 8, "sched_entity.on_rq has "),
    ("new-member", {"free_node": "free_nodX"}, 8,
     "struct scx_dispatch_q has a member free_node in this kernel, which this module does not "
     "know"),
    ("native-balancer", {"scx_bypass_lb_timerfn": "kallsyms_lookup_name"}, 95,
     "this kernel balances sched_ext's bypass mode itself: nothing to do"),
)

# What is left out to see that the tests would notice: name, file of the module,
# {old: new text}, what the kernel says then.
MUTANTS: dict[str, tuple[str, dict[str, str], str]] = {
    "nesting": ("src/balance/bypass_lb.c", {
        "p, 0, SINGLE_DEPTH_NESTING)": "p, 0, 0)",
    }, r"possible recursive locking detected"),
    "task-cpu": ("src/balance/bypass_lb.c", {
        "\t\tif (task_cpu(p) != donor)\n\t\t\tcontinue;\n": "",
    }, RACED),
    "rq-lock": ("src/balance/bypass_lb.c", {
        "kern_rq_lock_irq(rq);": "local_irq_disable();",
        "kern_rq_unlock_irq(rq);": "local_irq_enable();",
    }, RACED),
}


def version() -> str:
    """The one in dkms.conf."""
    found = re.search('^PACKAGE_VERSION="(.*)"', (TOP / "dkms.conf").read_text(encoding="utf-8"),
                      re.MULTILINE)
    assert found
    return found.group(1)


def logged(step: str, command: Sequence[str | Path], log: Path) -> None:
    with log.open("wb") as f:
        if subprocess.run(tethered(*command), stdin=subprocess.DEVNULL, stdout=f,
                          stderr=subprocess.STDOUT, check=False).returncode:
            raise SetupError(f"{step} failed", log)


def broken_modules(module: Path, target: Path) -> None:
    """Write the modules of BROKEN and a list of them to the directory target."""
    target.mkdir(parents=True, exist_ok=True)
    image = module.read_bytes()
    lines = []
    for name, changes, errno, message in BROKEN:
        changed = image
        for old, new in changes.items():
            before = b"\0" + old.encode() + b"\0"
            if before not in image:
                raise SetupError(f"there is no '{old}' in {module}")
            changed = changed.replace(before, (b"\0" + new.encode()).ljust(len(before), b"\0"))
        (target / f"{name}.ko").write_bytes(changed)
        lines.append(f"{name} {errno} {message}\n")
    (target / "list").write_text("".join(lines), encoding="utf-8")


def output(target: Target) -> Path:
    """The directory for what is built for a target."""
    return CACHE / "out" / target.name


def module_path(target: Target) -> Path:
    """Where module() puts the module."""
    return output(target) / "module" / "scx_bypass_lb.ko"


def module(target: Target, kernel: Path, mutant: str = "") -> Path:
    """Build the module as an administrator would, or a mutant of it.

    In a new directory. Returns where it is.
    """
    out = output(target)
    source = out / (mutant or "module")
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    for name in ("Kbuild", "Makefile", "dkms.conf"):
        shutil.copy(TOP / name, source)
    for name in ("src", "include"):
        shutil.copytree(TOP / name, source / name, ignore=shutil.ignore_patterns("*.o", ".*"))
    if mutant:
        file, changes, _ = MUTANTS[mutant]
        mutate(source / file, changes)
    tree = "build-clang" if target.clang else "build"
    logged(f"building the module for {target.name} {mutant}".rstrip(),
           ["make", "-C", source, f"KDIR={kernel}/{tree}", *target.kernel.make_variables,
            *(CLANG if target.clang else [])], out / "module.log")
    return source / "scx_bypass_lb.ko"


def mutate(path: Path, changes: dict[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for old, new in changes.items():
        if text.count(old) != 1:
            raise SetupError(f"there is not one '{old}'", path)
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def build(target: Target, kernel: Path, peers: bool = False, mutants: Iterable[str] = (),
          programs: Sequence[str] = ()) -> Path:
    """Build all for a target and its kernel's directory.

    peers: the kernel's own selftests as well
    mutants: of the module
    programs: of the host, for the guest as well

    Returns the guest's initramfs.
    """
    out = output(target)
    shutil.rmtree(out, ignore_errors=True)
    module(target, kernel)
    logged(f"building the tests for {target.name}",
           ["make", "-C", TESTS, f"KERNEL={kernel}", f"OUT={out}",
            *target.kernel.make_variables], out / "tests.log")
    logged(f"building scx-bypass for {target.name}",
           ["make", "-C", TOP / "tools", f"OUT={out}"], out / "tools.log")
    broken_modules(module_path(target), out / "broken")

    files: dict[str, str | Path] = {
        "/scx_bypass_lb.ko": module_path(target), "/init": driver(target),
        "/scx-bypass": out / "scx-bypass", "/abi": TOP / "docs/ABI/debugfs-scx_bypass_lb",
        "/bypass.bt": TOP / "contrib/bypass.bt"}
    files.update({path: path for path in programs})
    used: list[str | Path] = [driver(target), *programs]
    for program in used:
        files.update({path: path for path in libraries(program)})
    if peers:
        paths = target.kernel.peers()
        files.update({f"/peers/{path.name}": path for path in paths})
        files.update({path: path for path in libraries(paths[0])})
    for mutant in mutants:
        files[f"/mutant-{mutant}.ko"] = module(target, kernel, mutant)
    for pattern, inside in (("*.bpf.o", ""), ("kmod/*.ko", ""), ("broken/*", "/broken")):
        files.update({f"{inside}/{path.name}": path for path in out.glob(pattern)})
    initramfs(files, out / "initrd")
    return out / "initrd"


def driver(target: Target) -> Path:
    """The guest's first program, which has the cases."""
    return output(target) / "init"
