#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Run the tests, the bench or the demo on kernels in QEMU.

What an option's environment variable says, in brackets, is its default: that is how make
hands options over.
"""
import argparse
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from bench import goals, measure, report
from lab import cases, demo, matrix, shell, stress, suite, table
from lab.kernels import MAIN, MATRIX, REFUSALS, NotAvailable, SetupError, install
from lab.progress import Progress

TARGETS = {target.name: target for target in (MAIN, *REFUSALS, *MATRIX)}


def number_from(least: int) -> Callable[[str], int]:
    """A type for argparse."""
    def number(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"'{text}' is not a number from {least} on")
        return int(text)
    return number


def numbers(text: str) -> list[int]:
    return [number_from(1)(word) for word in text.split()]


def unknown(names: Sequence[str], known: Sequence[str], what: str) -> None:
    """End if there is one."""
    wrong = [name for name in names if name not in known]
    if wrong:
        sys.exit(f"no such {what}: {' '.join(wrong)}; there are {' '.join(known)}")


def check_cases(names: Sequence[str]) -> None:
    unknown(names, [case.name for case in cases.all_cases()
                    if case.where != cases.Where.COMMAND], "case")


def test(options: argparse.Namespace) -> bool:
    check_cases(options.cases)
    targets = [MAIN, *REFUSALS]
    if not any(suite.jobs_for(target, options.cases) for target in targets):
        sys.exit(f"no kernel of 'make test' is for {' '.join(options.cases)}; 'make test-all' "
                 "with CASES= has more")
    end = time.monotonic() + options.minutes * 60 if options.minutes else math.inf
    return matrix.conclude(matrix.run(targets, options.cases, end))


def check(options: argparse.Namespace) -> bool:
    return matrix.conclude(matrix.run([MAIN], ["check"]))


def test_all(options: argparse.Namespace) -> bool:
    unknown(options.targets, list(TARGETS), "target")
    check_cases(options.cases)
    targets = [TARGETS[name] for name in options.targets or TARGETS]
    os.environ["FRESH"] = "demo"
    # what is named is wanted anew, and the rest is not forgotten
    named = bool(options.targets or options.cases)
    progress = Progress(options.again and not named)
    return matrix.conclude(matrix.run(targets, options.cases, note=matrix.record,
                                      progress=progress, anew=named))


def setup(options: argparse.Namespace) -> None:
    if not options.cases:
        demo.prepare()
        return
    check_cases(options.cases)
    jobs = suite.jobs_for(MAIN, options.cases)
    install(suite.needs(MAIN, jobs))
    suite.prepare(MAIN, jobs)


def show_cases(options: argparse.Namespace) -> None:
    for case in sorted(cases.all_cases(), key=lambda case: case.name):
        print(f"{case.name:12} {case.where.value:8} {' '.join(case.variants) or '(host)'}\n"
              f"    {case.shows}")


def readme(options: argparse.Namespace) -> str | None:
    """Returns what is wrong, if anything is."""
    if options.renew:
        table.show(matrix.CASES_BEGIN, matrix.cases_table())
        table.show(matrix.BEGIN, matrix.readme_table())
        for one in (stress.RECORD, *report.TABLES, goals.GOALS):
            one.show()
        report.show_summary()
        goals.show_not_met()
    if table.shown(matrix.CASES_BEGIN) != matrix.cases_table():
        return "docs/testing.md's table of cases is not made from them: use readme --renew"
    if table.shown(matrix.BEGIN) != matrix.readme_table():
        return "docs/testing.md's table of kernels is not what 'make test-all' has recorded"
    if not stress.RECORD.is_shown():
        return "docs/testing.md's table of storms is not what 'make stress' has recorded"
    if not all(one.is_shown() for one in (*report.TABLES, goals.GOALS)):
        return "the tables in docs/results-tables.md are not what 'make bench' has recorded"
    if not report.summary_is_shown() or not goals.not_met_is_shown():
        return "the tables in docs/results.md are not what 'make bench' has recorded"
    return None


def run_stress(options: argparse.Namespace) -> bool:
    unknown(options.targets, list(stress.TARGETS), "target of make stress")
    return stress.stress(options.minutes, options.targets)


def bench(options: argparse.Namespace) -> bool:
    unknown(options.loads, measure.ALL_LOADS, "load")
    return measure.bench(measure.Choice(options.runs, options.cpus, options.tasks, options.loads,
                                        options.variants, options.threaded))


class Commands:
    """The parser. Each command is a function that gets the options."""

    def __init__(self) -> None:
        self.parser = argparse.ArgumentParser(
            description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
        self.commands = self.parser.add_subparsers(required=True, metavar="command")

    def add(self, name: str, text: str, run: Callable[[argparse.Namespace], object]) \
            -> argparse.ArgumentParser:
        command = self.commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        return command


def add_option(command: argparse.ArgumentParser, name: str, of_type: Callable[[str], object],
               default: str | None, text: str) -> None:
    """name: of the environment variable, too. A default is read like what is given."""
    command.add_argument(f"--{name.lower()}", type=of_type, default=os.environ.get(name) or default,
                         metavar=name, help=f"{text} [{name}]")


def add_switch(command: argparse.ArgumentParser, name: str, text: str) -> None:
    command.add_argument(f"--{name.lower()}", action="store_true",
                         default=bool(os.environ.get(name)), help=f"{text} [{name}]")


def commands() -> argparse.ArgumentParser:
    result = Commands()
    one = result.add("test", "the main kernel, and those that must be refused", test)
    one.add_argument("cases", nargs="*", metavar="case", help="only these")
    add_option(one, "MINUTES", number_from(1), None,
               "begin nothing after so many minutes, and end the guests")

    one = result.add("test-all", "all kernels. What has passed or failed before with this source "
                     "is not run again, if neither targets nor cases are named", test_all)
    one.add_argument("targets", nargs="*", metavar="target", help="only these")
    add_option(one, "CASES", str.split, "", "only these")
    add_switch(one, "AGAIN", "run all of it anew")

    result.add("check", "style and static checks", check)
    one = result.add("stress", "storms over tasks, CPUs and the module", run_stress)
    one.add_argument("targets", nargs="*", metavar="target", help="only on these")
    add_option(one, "MINUTES", number_from(stress.LEAST_MINUTES), "60", "for so long")

    one = result.add("bench", "measure how a machine recovers from its scheduler", bench)
    add_option(one, "RUNS", number_from(1), "10", "of each variant")
    add_option(one, "CPUS", numbers, "32", "on so many CPUs: a number, or several with blanks "
               "between")
    add_option(one, "TASKS", numbers, "30", "with so many tasks for each CPU")
    add_option(one, "LOADS", str.split, " ".join(measure.ALL_LOADS), "of "
               + ", ".join(measure.ALL_LOADS))
    add_option(one, "VARIANTS", str, "", "what is compared, by the beginnings of names, with "
               "colons between")
    add_switch(one, "THREADED", "on threads of the host, by the host's time; not recorded")

    result.add("demo", "watch the module at work", lambda options: demo.demo())
    result.add("shell", "boot the main kernel with the module, with a shell in it",
               lambda options: shell.shell())
    one = result.add("setup", "prepare what the demo uses, or what these cases use", setup)
    one.add_argument("cases", nargs="*", metavar="case")
    result.add("list", "the cases: of each its name, where it is run, its variants, what it shows",
               show_cases)
    one = result.add("readme", "are the tables in docs what was recorded?", readme)
    one.add_argument("--renew", action="store_true", help="make them anew from the records")
    return result.parser


def main() -> None:
    options = commands().parse_args()
    try:
        sys.exit(options.run(options))
    except NotAvailable as kernel:
        sys.exit(f"error: the archive does not have {kernel}")
    except (SetupError, subprocess.CalledProcessError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
