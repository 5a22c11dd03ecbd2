# SPDX-License-Identifier: GPL-2.0-only
"""Boot a kernel in QEMU with our driver as PID 1 and collect what it reports.

Software emulation, a thread of the host for each CPU of the guest, so that they
run at the same time. Guest time is the host's: tests must not assert on it.

QEMU 10.0 has a fault of its own: once in a dozen boots or two that patch much code
it runs a stale translation, with a breakpoint that the guest's code patching
has long replaced in memory, and the guest dies by it. That says nothing about
the guest; see emulator_fault() for how it is distinguished from a fault of the guest. A
machine whose CPUs share one thread does not have it.

The guest reports on its second serial port, see ktap.py. A guest that ends without
the end of its report is lost, which is another thing than a failed test.
"""
import contextlib
import dataclasses
import json
import os
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lab import ktap
from lab.kernels import SetupError
from lab.processes import tethered

# How often a guest is booted that the emulator itself kills.
BOOTS = 5

# What the kernel prints when something is broken in it.
SPLATS = re.compile(
    r"BUG:|WARNING:|Oops|general protection|Kernel panic|KASAN:|KCSAN:|UBSAN:|"
    r"rcu: INFO:|rcu_\w+ (self-)?detected|soft lockup|hard LOCKUP|blocked for more than|"
    r"workqueue lockup|possible circular locking|inconsistent lock state|"
    r"possible recursive locking|suspicious RCU usage|scheduling while atomic|"
    r"list_(add|del) corruption|refcount_t:|unable to handle|invalid opcode|"
    r"register non-static key")


# Splats of the stock kernels themselves, which came up in runs without the
# module. They are reported, but they are not a fault of what is tested. A function
# is named, and no line, which differs from release to release.
KNOWN = (
    # While a scheduler is being enabled, a task that is in sched_ext already is
    # followed on its CPU by one that is not yet, or the other way; the checks
    # take that for an error of the scheduler. Seen on 6.18.15 in exits/control
    # and race/control. Each of these functions has one check only, in another line of
    # each kernel.
    re.compile(r"WARNING: .* at kernel/sched/ext\.c:\d+ put_prev_task_scx\+"),
    re.compile(r"WARNING: .* at kernel/sched/ext\.c:\d+ pick_task_scx\+"),
    # The kernel warns when it has no hotplug state left; faults takes them all.
    re.compile(r"WARNING: .* at kernel/cpu\.c:\d+ __cpuhp_setup_state_cpuslocked\+"),
    # Long before there are modules: an interrupt comes just when the boot CPU reads
    # its features anew, without which KASAN takes a good address for a wild one.
    re.compile(r"BUG: KASAN: wild-memory-access in rcu_is_watching\+"),
)


# And races of the kernel's that KCSAN finds below a function of the module, by their
# titles: a thread's flags are written when it is bound to a CPU, whoever makes it, and
# read by the freezer, without a lock.
KNOWN_RACES = ("data-race in freeze_task / kthread_bind",)

MODULE = "scx_bypass_lb"
# in a guest's report: what the host is to do with a CPU
ASKS = re.compile(r"# host: (plug|unplug) CPU (\d+)")
# one report of KCSAN, between two lines of ===
KCSAN = re.compile(r"^[^\n]*BUG: KCSAN: ([^\n]*)\n.*?^[^\n]*={40}[^\n]*\n", re.DOTALL | re.MULTILINE)


@dataclasses.dataclass
class Result:
    report: ktap.Reader
    splats: list[str]
    known: list[str]      # splats that are in KNOWN
    races: list[str]      # data races that KCSAN has seen in the kernel alone
    emulator_fault: bool
    console: Path

    @property
    def lost(self) -> bool:
        return self.report.plan is None

    @property
    def faults(self) -> list[str]:
        """Checks that have failed, and what is wrong with the report."""
        return self.report.of_kind(ktap.FAIL) + self.report.faults


def accessed_by_module(report: str) -> bool:
    """Is a function of the module in one of a report's stacks? One that only sleeps, below
    the context switch in which the access was, does not count."""
    stacks = re.split(r"\n\[[ \d.]+\] *(?=\n)", report)
    return any(f"[{MODULE}]" in re.split(r"\n[^\n]* __schedule\+", stack)[0] for stack in stacks)


def without_races(console: str) -> tuple[str, list[str]]:
    """Take KCSAN's reports out that have no function of the module in them.

    The kernel's scheduler alone gives many. Returns the rest, and their titles.
    """
    titles: list[str] = []

    def drop(match: re.Match[str]) -> str:
        title = match.group(1).strip()
        if accessed_by_module(match.group(0)) and title not in KNOWN_RACES:
            return match.group(0)
        titles.append(title)
        return ""

    return KCSAN.sub(drop, console), titles


def initramfs(files: Mapping[str, str | Path], path: Path) -> None:
    """Write a cpio archive of {name in guest: file on host} to path."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        for name, source in files.items():
            target = root / name.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "-L", source, target], check=True)
        for name in ("dev", "proc", "sys"):
            (root / name).mkdir(exist_ok=True)
        names = subprocess.run(["find", "."], cwd=root, check=True, capture_output=True)
        with path.open("wb") as archive:
            subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=root, check=True,
                           input=names.stdout, stdout=archive)


def libraries(program: str | Path) -> list[str]:
    """The shared libraries a program needs, by their paths."""
    ldd = subprocess.run(["ldd", program], check=False, capture_output=True, text=True,
                         env={**os.environ, "LC_ALL": "C"})
    if ldd.returncode and "not a dynamic executable" not in ldd.stderr:
        raise SetupError(f"ldd {program}: {ldd.stderr.strip()}")
    return re.findall(r"(/\S+) \(0x", ldd.stdout)


def emulator_fault(console: str) -> bool:
    """Did the guest die by a breakpoint that was not in its memory?

    The kernel prints the code around the instruction pointer, which is behind
    the breakpoint: <> marks its place, and an int3 would stand before it as cc.
    """
    match = re.search(r"Oops: int3: 0000.*?^.*?Code: ([0-9a-f ]*) <[0-9a-f]{2}>", console,
                      re.DOTALL | re.MULTILINE)
    return match is not None and not match.group(1).endswith("cc")


@dataclasses.dataclass(frozen=True)
class Machine:
    """What the guest is given: CPUs and memory in nodes.

    threads: of each core
    append: for the kernel command line
    present: CPUs that are there at boot, if not all; the guest asks for others
    single: its CPUs take turns on one thread of the host
    counted: guest time is the number of instructions that all CPUs have run, so that
             it does not depend on the host. Implies single.
    """
    cpus: int = 8
    nodes: int = 2
    threads: int = 2
    gigabytes: int = 2
    single: bool = False
    counted: bool = False
    append: str = ""
    present: int = 0

    def arguments(self) -> list[str]:
        share = self.cpus // self.nodes
        megabytes = self.gigabytes * 1024 // self.nodes
        nodes = []
        for node in range(self.nodes):
            nodes += ["-object", f"memory-backend-ram,size={megabytes}M,id=m{node}",
                      "-numa", f"node,nodeid={node},cpus={node * share}-{node * share + share - 1},"
                               f"memdev=m{node}"]
        smp = (f"{self.present or self.cpus},maxcpus={self.cpus},sockets={self.nodes},cores={share // self.threads},"
               f"threads={self.threads}")
        accel = "single" if self.single or self.counted else "multi"
        return ["-accel", f"tcg,thread={accel}", "-cpu", "max", "-m", f"{self.gigabytes}G",
                "-smp", smp, *nodes,
                *(["-icount", "shift=0,sleep=off"] if self.counted else []),
                *(["-qmp", "stdio"] if self.present else [])]

    def command_for(self, line: str) -> dict[str, Any] | None:
        """What QEMU is to be told because of a line of the report, if anything."""
        match = ASKS.fullmatch(line)
        if not match:
            return None
        cpu = int(match.group(2))
        if match.group(1) == "unplug":
            return {"execute": "device_del", "arguments": {"id": f"cpu{cpu}"}}
        socket, rest = divmod(cpu, self.cpus // self.nodes)
        core, thread = divmod(rest, self.threads)
        return {"execute": "device_add", "arguments": {
            "driver": "max-x86_64-cpu", "id": f"cpu{cpu}", "socket-id": socket, "core-id": core,
            "thread-id": thread}}


# by the names that cases have for them
MACHINES = {
    "usual": Machine(),
    # for cases that compare times, so they are counted, or whose queue is so long that on a
    # busy host the kernel's watchdog sees a lockup
    "counted": Machine(threads=1, counted=True),
    # the timer of a pass runs in a thread of its CPU, from 6.17 on a real-time one
    "threadirqs": Machine(threads=1, counted=True, append="threadirqs"),
    # two CPUs have no tick while they run one task alone
    "nohz-full": Machine(threads=1, counted=True, append="nohz_full=2-3"),
    # of node 0 one CPU does the kernel's housekeeping
    "housekeeper": Machine(threads=1, counted=True, append="threadirqs nohz_full=1-3"),
    # for one that patches so much code that the emulator's fault, which comes from its
    # threads, would kill most guests; and for one in which kprobes stand where code is
    # patched: they take a stale breakpoint for theirs, and jump to address 0
    "single": Machine(single=True),
    # the same, for a case that patches code more than a thousand times: each CPU is told
    "small": Machine(cpus=4, threads=1, single=True),
    # so that tasks are preempted inside RCU's read-side sections, which it counts
    "preemptible": Machine(append="preempt=full"),
    # RCU has four leaf nodes, as on a machine with 64 CPUs
    "leaves": Machine(threads=1, counted=True, append="rcutree.rcu_fanout_leaf=2"),
    # and the CPUs of two come up later
    "lateleaf": Machine(threads=1, counted=True, append="rcutree.rcu_fanout_leaf=2 maxcpus=4"),
    # the CPUs of node 1 come later; QEMU cannot plug one in again that has been taken out
    "plugged": Machine(present=4),
    "one-cpu": Machine(cpus=1, nodes=1, threads=1),
    "one-node": Machine(cpus=4, nodes=1),
    # more nodes than the machine has: some of them have the same CPUs
    "shared-cpus": Machine(append="numa=fake=4"),
}


@dataclasses.dataclass(frozen=True)
class Guest:
    """What is booted.

    append: for the kernel command line
    log: the beginning of the names of files for what the guest writes
    """
    kernel: Path
    initrd: Path
    append: str
    log: Path
    machine: Machine = Machine()

    def file(self, suffix: str) -> Path:
        return self.log.with_name(f"{self.log.name}.{suffix}")

    def command(self, console: str) -> list[str]:
        """console: where the first serial port goes, in QEMU's words"""
        return ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none",
                "-no-reboot", *self.machine.arguments(),
                "-serial", console, "-serial", f"file:{self.file('report')}",
                "-kernel", str(self.kernel), "-initrd", str(self.initrd),
                # the host may be too busy for the kernel's checks of its timer and of RCU
                "-append", f"panic=-1 oops=panic no_timer_check "
                           f"rcupdate.rcu_cpu_stall_timeout=120 {self.machine.append} "
                           f"{self.append}"]


def param_list(params: str) -> str:
    """A module's parameters as the guest's command line has them, without blanks."""
    return params.replace(" ", ",")


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def wait(qemu: subprocess.Popen[bytes], timeout: float, console: Path,
         until: re.Pattern[str] | None) -> None:
    """Wait for QEMU to end, at most until then or for so long."""
    end = time.monotonic() + timeout
    while time.monotonic() < end and not (until and until.search(read(console))):
        try:
            qemu.wait(1 if until else timeout)
            return
        except subprocess.TimeoutExpired:
            pass


def follow(path: Path, stop: threading.Event, on_line: Callable[[str], None]) -> None:
    """Call on_line for each line that is appended to a file, until stopped."""
    rest = ""
    with path.open(encoding="utf-8", errors="replace") as f:
        while True:
            ended = stop.is_set()
            rest += f.read()
            *lines, rest = rest.split("\n")
            for line in lines:
                on_line(line.rstrip("\r"))
            if ended:
                return
            time.sleep(0.1)


def tell(qemu: subprocess.Popen[bytes], command: dict[str, Any]) -> None:
    assert qemu.stdin
    with contextlib.suppress(BrokenPipeError):
        qemu.stdin.write(json.dumps(command).encode() + b"\n")


def run(guest: Guest, timeout: float, on_line: ktap.OnLine = ktap.ignore,
        until: re.Pattern[str] | None = None) -> Result:
    """Boot, wait for the guest to end, return a Result. What it has reported is kept in a
    file "LOG.ktap".

    until: end the guest when this pattern is on its console
    """
    console, channel = guest.file("console"), guest.file("report")
    for path in (console, channel):
        path.write_bytes(b"")
    report = ktap.Reader(on_line)
    stop = threading.Event()

    def take(line: str) -> None:
        report.take(line)
        command = guest.machine.command_for(line)
        if command:
            tell(qemu, command)

    reader = threading.Thread(target=follow, args=(channel, stop, take))
    with guest.file("qemu").open("wb") as errors, \
            subprocess.Popen(tethered(*guest.command(f"file:{console}")),
                             bufsize=0, stdin=subprocess.PIPE, stdout=errors,
                             stderr=errors) as qemu:
        if guest.machine.present:
            tell(qemu, {"execute": "qmp_capabilities"})
        reader.start()
        try:
            wait(qemu, timeout, console, until)
        finally:
            if qemu.poll() is None:
                qemu.terminate()
            qemu.wait()
            stop.set()
            reader.join()
    guest.file("ktap").write_text(ktap.with_plan_first(read(channel)), encoding="utf-8")

    text, races = without_races(read(console))
    splats = [line.strip() for line in text.splitlines() if SPLATS.search(line)]
    known = [line for line in splats if any(pattern.search(line) for pattern in KNOWN)]
    return Result(report, [line for line in splats if line not in known], known, races,
                  emulator_fault(text), console)
