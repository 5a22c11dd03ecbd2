#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Run the tests, or the demo, on stock kernels in QEMU.

usage: run.py test|check|demo [case...]
"""
import os
import subprocess
import sys

import build
import demo
import vm

# Cases for the guest, with their arms. "control" is without the module, or,
# for skew, with its balancer off.
GUEST_CASES = {
    "skew": ("control", "module"),
    "nodes": ("module",),
    "affinity": ("module",),
    "contention": ("control", "module"),
    "exits": ("control", "module"),
    "parameters": ("module",),
    "revert": ("module",),
    "refusal": ("module",),
}
HOST_CASES = ("check", "dkms")
TIMEOUT = 1200


def say(text=""):
    print(text, flush=True)


def guest_case(kernel, initrd, case, arm, logs):
    """Boot one arm of a case. Returns what is wrong, or None."""
    log = os.path.join(logs, f"{case}-{arm}")
    result = vm.run(os.path.join(kernel, "vmlinuz"), initrd, f"case={case} arm={arm}", log,
                    TIMEOUT, lambda kind, text: say(f"    {kind:4} {text}".rstrip()))
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
        say(f"    console: {result.console}")
        with open(result.console, encoding="utf-8", errors="replace") as f:
            for line in f.read().splitlines()[-40:]:
                say(f"    | {line}")
    say(f"    {result.seconds:.0f} s")
    return wrong


def host_case(case, kernel, logs):
    """Run tests/CASE.sh with the kernel's directory. Returns what is wrong, or None."""
    script = os.path.join(build.TESTS, case + ".sh")
    with subprocess.Popen(["sh", script, kernel, os.path.join(logs, case)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True) as process:
        for line in process.stdout:
            say("    " + line.rstrip())
    return f"exit status {process.returncode}" if process.returncode else None


def test(wanted):
    unknown = [case for case in wanted if case not in GUEST_CASES and case not in HOST_CASES]
    if unknown:
        sys.exit(f"no such case: {' '.join(unknown)}; there are "
                 f"{' '.join([*HOST_CASES, *GUEST_CASES])}")
    say(f"preparing {build.MAIN_KERNEL} in {build.CACHE}")
    kernel, initrd = build.build(build.MAIN_KERNEL)
    logs = os.path.join(build.CACHE, "logs", build.MAIN_KERNEL)
    os.makedirs(logs, exist_ok=True)

    runs = [(case, None) for case in HOST_CASES]
    runs += [(case, arm) for case, arms in GUEST_CASES.items() for arm in arms]
    runs = [run for run in runs if not wanted or run[0] in wanted]
    failures = []
    for number, (case, arm) in enumerate(runs, 1):
        name = f"{case}, {arm} run" if arm else case
        say(f"[{number}/{len(runs)}] {name}")
        if arm:
            wrong = guest_case(kernel, initrd, case, arm, logs)
        else:
            wrong = host_case(case, kernel, logs)
        if wrong:
            failures.append(f"{name}: {wrong}")
        say(f"    {'FAILED: ' + wrong if wrong else 'passed'}")

    say()
    for failure in failures:
        say(f"FAILED {failure}")
    say(f"{len(runs) - len(failures)} passed, {len(failures)} failed")
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
