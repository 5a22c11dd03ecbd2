# SPDX-License-Identifier: GPL-2.0-only
"""The cases, and how one is run on a target."""
import collections
import concurrent.futures
import os
import re
import subprocess
import threading
import time

import build
import guest_files
import vm
from kernels import CACHE, MAIN, MATRIX, NOT_ALLOWED, TESTS, NotAvailable, SetupError, can_install

# Cases for the guest, with their arms. "control" is without the module, or,
# for skew, with its balancer off.
GUEST_CASES = {
    "reload": ("module",),      # the longest ones first
    "revert": ("module",),
    "skew": ("control", "module"),
    "nodes": ("module",),
    "affinity": ("module",),
    "contention": ("control", "module"),
    "exits": ("control", "module"),
    "seams": ("module",),
    "hog": ("module",),
    "hogforks": ("module",),
    "unload": ("module",),
    "leak": ("control", "module"),
    "shapes": ("one-cpu", "one-node", "shared-cpus"),
    "hotplug": ("module",),
    "conflicts": ("module",),
    "parameters": ("module",),
    "refusal": ("module",),
    "preview": ("module",),
    "status": ("module",),
    "tools": ("module",),
}
# And those for targets that are to be proven under fire.
FIRE_CASES = {
    "race": ("control", "module"),
    "fire": ("module",),
    "suspend": ("control", "module"),
    "offline": ("module",),
    "fuzz": ("module",),
}
# tests/CASE.sh, which need no guest, for the main kernel; and what they use: see needs()
HOST_CASES = {
    "fresh": ("fresh",),
    "packages": ("tree", "packages", "dkms"),
    "check": ("tree", "clang", "check"),
    "command": ("compiler", "command"),
    "dkms": ("tree", "dkms"),
    "sim": ("compiler",),
}
# also tests/CASE.sh, for each build of the module
OBJECT_CASES = ("direct",)
# A guest without an end in this many seconds of the host is lost.
TIMEOUT = 1800
# The one that loads the module some hundred times on a debug kernel.
TIMEOUTS = {"faults/module": 3600}
# Guests at the same time. Each keeps a CPU of the host busy.
JOBS = int(os.environ.get("JOBS") or os.cpu_count())
# One that patches so much code that the emulator's fault would kill most guests; it
# comes from its threads. And one in which kprobes stand where code is patched: they take
# a stale breakpoint for theirs, and jump to address 0.
SINGLE = ("peers/module", "conflicts/module")
# Those that compare times, so they are counted; one is about crowds and has more CPUs.
# One whose queue is so long that on a busy host the kernel's watchdog sees a lockup.
# And those that are about the machine.
EIGHT = vm.Machine(threads=1, counted=True)
MACHINES = {"leave/module": EIGHT,
            "skew/control": EIGHT, "skew/module": EIGHT, "nodes/module": EIGHT,
            "parameters/module": EIGHT,
            # so that tasks are preempted inside RCU read-side sections, which it counts
            "status/module": vm.Machine(append="preempt=full"),
            "contention/control": EIGHT, "contention/module": EIGHT,
            "shapes/one-cpu": vm.Machine(cpus=1, nodes=1, threads=1),
            "shapes/one-node": vm.Machine(cpus=4, nodes=1),
            # more nodes than the machine has: some of them have the same CPUs
            "shapes/shared-cpus": vm.Machine(append="numa=fake=4")}
# What some cases in a guest need of the host besides: see needs()
GUEST_NEEDS = {"peers": ("peers",), "bpftrace": ("bpftrace",), "upgrade": ("packages", "dkms")}
# How long a mutant may stay unnoticed.
MUTANT_SECONDS = 300
# Lines of a failed case to repeat at the end.
LAST_LINES = 12

PASS, FAIL, LOST, SKIPPED = "pass", "FAIL", "LOST", "skipped"
print_lock = threading.Lock()


def say(text=""):
    with print_lock:
        print(text, flush=True)


class Run:
    """One arm of a case on one target: its output, its result and why."""

    def __init__(self, target, name, append="", timeout=None):
        self.target, self.name = target, name
        self.append, self.timeout = append, timeout or TIMEOUTS.get(name, TIMEOUT)
        self.result, self.why = PASS, ""
        self.lines = []
        self.numbers = {}

    def __str__(self):
        return f"{self.target.name} {self.name}"

    def tell(self, text):
        line = f"    {self.target.name:14} {self.name:18} {text}".rstrip()
        self.lines.append(line)
        say(line)

    def end(self, result, why):
        self.result, self.why = result, why

    def on_guest(self, kernel, initrd, logs):
        guest = self.boot(kernel, initrd, logs, "case={} arm={}".format(*self.name.split("/")))
        for line in guest.known:
            self.tell(f"a known fault of the stock kernel: {line}")
        for title, times in sorted(collections.Counter(guest.races).items()):
            self.tell(f"a race of the kernel alone, {times} times: {title}")
        if guest.splats:
            self.end(FAIL, f"the kernel says: {guest.splats[0]}")
        elif guest.lost:
            self.end(LOST, "the guest was lost")
        elif guest.of_kind("fail"):
            self.end(FAIL, "; ".join(guest.of_kind("fail")))
        elif not guest.of_kind("ok"):
            self.end(FAIL, "nothing was checked")
        if self.why:
            self.tell(f"the end of {guest.console}:")
            with open(guest.console, encoding="utf-8", errors="replace") as f:
                for line in f.read().splitlines()[-40:]:
                    self.tell(f"| {line}")

    def boot(self, kernel, initrd, logs, append, until=None):
        """Boot a guest, again if the emulator kills it. Returns its vm.Result."""
        append = (f"{self.target.kernel.append} params={vm.param_list(self.target.params)} "
                  f"reloads={self.target.reloads} {self.append} {append}")
        for _ in range(vm.BOOTS):
            guest = vm.run(os.path.join(kernel, "vmlinuz"), initrd, append,
                           os.path.join(logs, self.name.replace("/", "-")), self.timeout,
                           self.on_report, until,
                           MACHINES.get(self.name) or vm.Machine(single=self.name in SINGLE))
            if not guest.emulator_fault:
                break
            self.tell("the emulator has run a stale breakpoint, which killed the guest: once more")
        return guest

    def on_report(self, kind, text):
        if kind == "num":
            value, _, what = text.partition(" ")
            self.numbers[what] = int(value)
        self.tell(f"{kind:4} {text}")

    def on_mutant(self, kernel, initrd, logs):
        """The kernel must notice what the mutant does."""
        name = self.name.split("/")[1]
        expected = re.compile(build.MUTANTS[name][2])
        guest = self.boot(kernel, initrd, logs,
                          f"case=race arm=module seconds={MUTANT_SECONDS} "
                          f"module=/mutant-{name}.ko", expected)
        seen = expected.search(vm.read(guest.console))
        if seen:
            self.tell(f"ok   {seen.group(0)}")
        else:
            self.end(FAIL, "the mutant was not noticed")

    def on_build(self):
        """The module must refuse to be built, with the reason."""
        try:
            build.module(self.target, self.target.kernel.directory)
            self.end(FAIL, "the module was built")
        except SetupError as error:
            with open(error.log, encoding="utf-8") as f:
                reasons = [line.strip() for line in f if self.target.reason in line]
            if reasons:
                self.tell(f"ok   {reasons[0]}")
            else:
                self.end(FAIL, f"the build does not say '{self.target.reason}'")

    def on_host(self, argument, logs):
        script = os.path.join(TESTS, self.name + ".sh")
        line = ""
        with subprocess.Popen(["sh", script, argument, os.path.join(logs, self.name)],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True) as process:
            for line in process.stdout:
                self.tell(line.rstrip())
        # the last line of what it says is then the reason
        if process.returncode == NOT_ALLOWED and line.startswith("skipped: "):
            self.end(SKIPPED, line.partition(" ")[2].rstrip())
        elif process.returncode:
            self.end(FAIL, f"exit status {process.returncode}")


def names_for(target, cases):
    """The names of a target's runs: "case/arm" or "case". @cases: only these, if any."""
    if target.refuses:
        return [target.refuses]
    guest_cases = {**GUEST_CASES, **(FIRE_CASES if target.fire else {})}
    names = [f"{case}/{arm}" for case, arms in guest_cases.items() for arm in arms]
    names += [*target.extra, *OBJECT_CASES]
    if target == MAIN:
        # it takes as long as all others: for "make test-all", which sets FRESH, or by name
        names = [*(case for case in HOST_CASES
                   if case != "fresh" or case in cases or os.environ.get("FRESH")), *names]
    names = [name for name in target.only or names if name.split("/")[0] not in target.without]
    return [name for name in names if not cases or name.split("/")[0] in cases]


def left_out(target):
    """The cases of the suite that a target's is without."""
    there = {name.split("/")[0] for name in names_for(target, ())}
    return [case for case in (*GUEST_CASES, *FIRE_CASES, *OBJECT_CASES) if case not in there]


def needs(target, names):
    """What these runs of a target use. Names of groups of packages, see setup/packages.sh;
    and of what is prepared:

    tree: a tree to build modules for the kernel
    clang: one to build them with clang
    guest: all that a guest boots
    peers: the kernel's selftests
    bpftrace: a program for the guest
    """
    result = set()
    for case in (name.split("/")[0] for name in names):
        if case in HOST_CASES:
            result.update(HOST_CASES[case])
        elif case in OBJECT_CASES or target.reason:
            result.add("tree")
        else:
            result.update(("tree", "guest", *GUEST_NEEDS.get(case, ())))
    if (target.clang or target.kernel.make_variables) and "tree" in result:
        result.add("clang")
    return result


def all_cases():
    extra = [name.split("/")[0] for target in (MAIN, *MATRIX) for name in (*target.extra, *target.only)]
    return list(dict.fromkeys([*GUEST_CASES, *FIRE_CASES, *extra, *OBJECT_CASES, *HOST_CASES]))


def execute(run, kernel, initrd, logs):
    start = time.monotonic()
    say(f"{run}: begins")
    if run.name.startswith("mutant/"):
        run.on_mutant(kernel, initrd, logs)
    elif "/" in run.name:
        run.on_guest(kernel, guest_files.add_to(initrd, run.name, run.target, kernel), logs)
    elif run.name in OBJECT_CASES:
        run.on_host(build.module_path(run.target), logs)
    elif run.name in HOST_CASES:
        run.on_host(kernel, logs)
    else:
        run.on_build()
    why = f": {run.why}" if run.why else ""
    say(f"{run}: {run.result}{why} ({time.monotonic() - start:.0f} s)")


def prepare(target, names):
    """Prepare what these runs of a target use, but packages.

    Returns the kernel's directory and the guest's initramfs, or what there is of them.
    """
    used = needs(target, names)
    kernel, initrd = "", None
    if "tree" in used:
        say(f"preparing {target.name} in {CACHE}")
        kernel = target.kernel.prepare("clang" in used)
    if "guest" in used:
        initrd = build.build(target, kernel, names)
    elif any(name in OBJECT_CASES for name in names):
        build.module(target, kernel)
    return kernel, initrd


def run_target(target, cases=(), done=(), on_end=lambda run: None):
    """Set a target up and run its cases. Returns a list of Run.

    done: names of runs that are not to be run
    on_end: is called with each that has ended
    """
    runs = [Run(target, name) for name in names_for(target, cases) if name not in done]
    if not runs:
        return []
    logs = os.path.join(CACHE, "logs", target.name)
    os.makedirs(logs, exist_ok=True)

    def one(run):
        execute(run, kernel, initrd, logs)
        on_end(run)

    try:
        for run in runs:
            if not can_install(frozenset(needs(target, [run.name]))):
                run.end(SKIPPED, "packages are missing that only root can install")
        allowed = [run for run in runs if run.result != SKIPPED]
        kernel, initrd = prepare(target, [run.name for run in allowed])
        with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
            list(pool.map(one, allowed))
    except NotAvailable:
        for run in runs:
            run.end(SKIPPED, "the archive does not have this kernel")
    except (SetupError, subprocess.CalledProcessError) as error:
        for run in runs:
            run.end(FAIL, str(error))
    return runs
