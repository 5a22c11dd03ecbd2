#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Run the tests, or the demo, on stock kernels in QEMU.

usage: run.py test|check|demo [case...]
"""
import concurrent.futures
import os
import subprocess
import sys
import threading
import time

import build
import demo
import vm

# Cases for the guest, with their arms. "control" is without the module, or,
# for skew, with its balancer off.
GUEST_CASES = {
    "revert": ("module",),      # the longest one first
    "skew": ("control", "module"),
    "nodes": ("module",),
    "affinity": ("module",),
    "contention": ("control", "module"),
    "exits": ("control", "module"),
    "hotplug": ("module",),
    "parameters": ("module",),
    "refusal": ("module",),
}
HOST_CASES = ("check", "dkms")
# A guest without an end in this many seconds of the host is lost.
TIMEOUT = 1800

print_lock = threading.Lock()


def say(text=""):
    with print_lock:
        print(text, flush=True)


def guest_case(kernel, initrd, name, logs, tell):
    """Boot one arm of a case. Returns what is wrong, or None."""
    case, arm = name.split("/")
    for _ in range(vm.BOOTS):
        result = vm.run(os.path.join(kernel, "vmlinuz"), initrd, f"case={case} arm={arm}",
                        os.path.join(logs, f"{case}-{arm}"), TIMEOUT,
                        lambda kind, text: tell(f"{kind:4} {text}"))
        if not result.emulator_fault:
            break
        tell("the emulator has run a stale breakpoint, which killed the guest: once more")
    for line in result.known:
        tell(f"a known fault of the stock kernel: {line}")
    wrong = None
    if result.of_kind("fail"):
        wrong = "; ".join(result.of_kind("fail"))
    elif result.splats:
        wrong = f"the kernel says: {result.splats[0]}"
    elif result.lost:
        wrong = "the guest was lost"
    elif not result.of_kind("ok"):
        wrong = "nothing was checked"
    if wrong:
        tell(f"the end of {result.console}:")
        with open(result.console, encoding="utf-8", errors="replace") as f:
            for line in f.read().splitlines()[-40:]:
                tell(f"| {line}")
    return wrong


def host_case(case, kernel, logs, tell):
    """Run tests/CASE.sh with the kernel's directory. Returns what is wrong, or None."""
    script = os.path.join(build.TESTS, case + ".sh")
    with subprocess.Popen(["sh", script, kernel, os.path.join(logs, case)],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout:
            tell(line.rstrip())
    return f"exit status {process.returncode}" if process.returncode else None


def names_of(wanted):
    """The names of all runs, or of those of the wanted cases: "case/arm" or "case"."""
    unknown = [case for case in wanted if case not in GUEST_CASES and case not in HOST_CASES]
    if unknown:
        sys.exit(f"no such case: {' '.join(unknown)}; there are "
                 f"{' '.join([*GUEST_CASES, *HOST_CASES])}")
    names = [f"{case}/{arm}" for case, arms in GUEST_CASES.items() for arm in arms]
    return [name for name in [*names, *HOST_CASES]
            if not wanted or name.split("/")[0] in wanted]


def test(wanted):
    names = names_of(wanted)
    say(f"preparing {build.MAIN_KERNEL} in {build.CACHE}")
    kernel, initrd = build.build(build.MAIN_KERNEL)
    logs = os.path.join(build.CACHE, "logs", build.MAIN_KERNEL)
    os.makedirs(logs, exist_ok=True)

    def run(number, name):
        start = time.monotonic()
        say(f"[{number}/{len(names)}] {name}: begins")

        def tell(text):
            say(f"    {name:18} {text}".rstrip())

        if "/" in name:
            wrong = guest_case(kernel, initrd, name, logs, tell)
        else:
            wrong = host_case(name, kernel, logs, tell)
        say(f"[{number}/{len(names)}] {name}: {'FAILED: ' + wrong if wrong else 'passed'} "
            f"({time.monotonic() - start:.0f} s)")
        return wrong

    # a guest keeps one CPU of the host busy
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(run, range(1, len(names) + 1), names))

    failures = [(name, wrong) for name, wrong in zip(names, results) if wrong]
    say()
    for name, wrong in failures:
        say(f"FAILED {name}: {wrong}")
    say(f"{len(names) - len(failures)} passed, {len(failures)} failed")
    return bool(failures)


def main():
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    try:
        if command == "test":
            sys.exit(test(sys.argv[2:]))
        if command == "check":
            sys.exit(test(["check"]))
        if command == "demo":
            sys.exit(demo.demo())
    except (build.BuildError, subprocess.CalledProcessError) as error:
        sys.exit(f"error: {error}")
    sys.exit(__doc__)


main()
