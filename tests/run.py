#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Run the tests, or the demo, on kernels in QEMU.

usage: run.py test [case...]    the main kernel, and those to be refused; with
                                MINUTES in the environment then as much of the
                                matrix as fits
       run.py test-all [target...]   with CASES in the environment only those. What was
                                run before with this source is not run again, if neither
                                is named and AGAIN is not in the environment
       run.py check
       run.py stress            with MINUTES in the environment
       run.py bench             with RUNS, CPUS, TASKS, LOADS and VARIANTS
       run.py readme            are the tables in docs what was recorded?
       run.py demo
       run.py setup [case...]   prepare what these cases use on the main kernel, or what
                                the demo uses, and run nothing
"""
import os
import subprocess
import sys

from bench import goals as bench_goals
from bench import measure as bench
from bench import report as bench_report
from lab import demo, matrix, stress, suite, table
from lab.kernels import MAIN, MATRIX, REFUSALS, NotAvailable, SetupError, install
from lab.progress import Progress


def wanted(names, known, what):
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"no such {what}: {' '.join(unknown)}; there are {' '.join(known)}")
    return names


def test(cases):
    wanted(cases, suite.all_cases(), "case")
    minutes = os.environ.get("MINUTES")
    targets = [MAIN]
    if not cases:
        targets += REFUSALS
    if minutes:
        targets += MATRIX
    return matrix.conclude(*matrix.run(targets, cases, minutes and int(minutes) * 60))


def test_all(names):
    known = {target.name: target for target in (MAIN, *REFUSALS, *MATRIX)}
    wanted(names, known, "target")
    targets = [known[name] for name in names or known]
    os.environ["FRESH"] = "demo"
    cases = wanted(os.environ.get("CASES", "").split(), suite.all_cases(), "case")
    progress = None if names or cases else Progress(bool(os.environ.get("AGAIN")))
    return matrix.conclude(*matrix.run(targets, cases, note=matrix.record, progress=progress))


def setup(cases):
    if not cases:
        demo.prepare()
        return
    names = suite.names_for(MAIN, wanted(cases, suite.all_cases(), "case"))
    install(suite.needs(MAIN, names))
    suite.prepare(MAIN, names)


def minutes_of_stress():
    minutes = os.environ.get("MINUTES") or "60"
    if not minutes.isdecimal() or int(minutes) < stress.LEAST_MINUTES:
        sys.exit(f"MINUTES must be a number from {stress.LEAST_MINUTES} on")
    return int(minutes)


def check_readme():
    """Returns what is wrong, or None."""
    if table.shown(matrix.BEGIN) != matrix.readme_table():
        return "docs/testing.md's table of supported kernels is not what 'make test-all' has recorded"
    if not stress.RECORD.is_shown():
        return "docs/testing.md's table of storms is not what 'make stress' has recorded"
    if not (all(one.is_shown() for one in (*bench_report.TABLES, bench_goals.GOALS))):
        return "the tables in RESULTS.md are not what 'make bench' has recorded"
    return None


def main():
    command, arguments = (sys.argv[1] if len(sys.argv) > 1 else ""), sys.argv[2:]
    try:
        if command == "test":
            sys.exit(test(arguments))
        if command == "test-all":
            sys.exit(test_all(arguments))
        if command == "check":
            sys.exit(test(["check"]))
        if command == "readme":
            sys.exit(check_readme())
        if command == "stress":
            sys.exit(stress.stress(minutes_of_stress()))
        if command == "bench":
            sys.exit(bench.bench())
        if command == "demo":
            sys.exit(demo.demo())
        if command == "setup":
            sys.exit(setup(arguments))
    except NotAvailable as kernel:
        sys.exit(f"error: the archive does not have {kernel}")
    except (SetupError, subprocess.CalledProcessError) as error:
        sys.exit(f"error: {error}")
    sys.exit(__doc__)


main()
