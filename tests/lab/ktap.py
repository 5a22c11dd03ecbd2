# SPDX-License-Identifier: GPL-2.0-only
"""What a guest reports: KTAP, the kernel's test protocol.

    KTAP version 1
    ok 1 - all tasks run
    not ok 2 - CPU 3 goes down
    ok 3 - suspend was done # SKIP not on this kernel
    # num 5 passes
    # any other text
    1..3

The plan comes last, because a case does not know before how many checks it will do. It is
the end of the report: a guest that ends without a plan is lost.
"""
import re
from collections.abc import Callable

VERSION = "KTAP version 1"
RESULT = re.compile(r"(not ok|ok) (\d+) - (.*)")
SKIP = re.compile(r"(.*?) # SKIP\b *(.*)")
PLAN = re.compile(r"1\.\.(\d+)")
NUMBER = re.compile(r"# (num) (\d+ .+)")

OK, FAIL, SKIPPED, INFO, NUM = "ok", "fail", "skip", "info", "num"
# (kind, text): one of the kinds above; the text of a number is "5 passes"
OnLine = Callable[[str, str], object]


def ignore(kind: str, text: str) -> None:
    """An OnLine."""


class Reader:
    """Takes a report a line at a time.

    lines: (kind, text)
    plan: the number of results, None as long as the report has not ended
    faults: what is wrong with the report itself
    """

    def __init__(self, on_line: OnLine = ignore) -> None:
        self.on_line = on_line
        self.lines: list[tuple[str, str]] = []
        self.plan: int | None = None
        self.faults: list[str] = []
        self.begun = False
        self.numbers: list[int] = []

    def of_kind(self, kind: str) -> list[str]:
        return [text for k, text in self.lines if k == kind]

    def take(self, line: str) -> None:
        if not self.begun:
            self.begun = True
            if line != VERSION:
                self.faults.append(f"the report begins with '{line}', not with '{VERSION}'")
        elif match := RESULT.fullmatch(line):
            self.take_result(*match.groups())
        elif match := PLAN.fullmatch(line):
            self.take_plan(int(match.group(1)))
        elif match := NUMBER.fullmatch(line):
            self.add(NUM, match.group(2))
        elif line.startswith("# "):
            self.add(INFO, line[2:])
        elif line:
            self.faults.append(f"the report has a line '{line}'")

    def take_result(self, outcome: str, number: str, text: str) -> None:
        self.numbers.append(int(number))
        if outcome == "not ok":
            self.add(FAIL, text)
        elif skipped := SKIP.fullmatch(text):
            self.add(SKIPPED, f"{skipped.group(1)}: {skipped.group(2)}")
        else:
            self.add(OK, text)

    def take_plan(self, plan: int) -> None:
        self.plan = plan
        if sorted(self.numbers) != list(range(1, plan + 1)):
            self.faults.append(f"the report has {len(self.numbers)} results of {plan}, or not "
                               "each of them once")

    def add(self, kind: str, text: str) -> None:
        self.lines.append((kind, text))
        self.on_line(kind, text)


def with_plan_first(report: str) -> str:
    """A report as programs want it that know a plan at the beginning only. One without a
    plan stays without."""
    lines = report.splitlines()
    plans = [line for line in lines if PLAN.fullmatch(line)]
    rest = [line for line in lines if line not in plans]
    return "".join(line + "\n" for line in (*rest[:1], *plans[:1], *rest[1:]))
