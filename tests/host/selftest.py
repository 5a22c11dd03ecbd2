# SPDX-License-Identifier: GPL-2.0-only
"""The lab's own parts: reports are read as they are meant, programs of others read them too,
the cases are found, and nothing that a killed run has started stays. Prints what is wrong.

usage: selftest.py KERNEL_DIRECTORY WORK_DIRECTORY
"""
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from lab import cases, junit, ktap, suite
from lab.cases import Where
from lab.kernels import MAIN, MATRIX, REFUSALS, TESTS, SetupError
from lab.processes import tethered

KERNEL, WORK = Path(sys.argv[1]), Path(sys.argv[2])
GOOD = """KTAP version 1
ok 1 - the first, of all
# num 5 passes
# queues: 1 2 3
ok 2 - suspend # SKIP not on this kernel
1..2
"""
CASE = """CASE(one) = {
	.shows = "a sentence",
	.variants = "control module",
	.minutes = 90,
};
"""
PATIENCE = 120


def check(right: bool, text: str) -> None:
    if not right:
        print(text)


def reader(report: str) -> ktap.Reader:
    result = ktap.Reader()
    for line in report.splitlines():
        result.take(line)
    return result


def test_reports() -> None:
    good = reader(GOOD)
    check(good.lines == [("ok", "the first, of all"), ("num", "5 passes"),
                         ("info", "queues: 1 2 3"), ("skip", "suspend: not on this kernel")],
          f"a report is read as {good.lines}")
    check(good.plan == 2 and not good.faults, f"a good report: {good.plan}, {good.faults}")
    for what, report in (("no version", GOOD.partition("\n")[2]),
                         ("a result is missing", GOOD.replace("ok 1 -", "# 1 -")),
                         ("a number comes twice", GOOD.replace("ok 2 -", "ok 1 -")),
                         ("a broken line", GOOD.replace("ok 1 -", "okk 1 -"))):
        check(bool(reader(report).faults), f"{what}: the reader finds nothing wrong")
    failed = reader(GOOD.replace("ok 1", "not ok 1"))
    check(failed.of_kind(ktap.FAIL) == ["the first, of all"], "a failed check is not seen")
    check(reader(GOOD.replace("1..2\n", "")).plan is None, "a report without its end has a plan")
    check(reader("KTAP version 1\n1..0\n").plan == 0, "an empty report has results")


def written(report: str) -> Path:
    path = WORK / "report.ktap"
    path.write_text(ktap.with_plan_first(report), encoding="utf-8")
    return path


def proves(report: str) -> bool:
    return subprocess.run(["prove", "-e", "cat", written(report)], capture_output=True,
                          check=False).returncode == 0


def test_others() -> None:
    """By programs that are not ours."""
    check(proves(GOOD), "prove does not take a good report")
    for what, report in (("a failed check", GOOD.replace("ok 1", "not ok 1")),
                         ("no plan", GOOD.replace("1..2\n", ""))):
        check(not proves(report), f"prove takes {what}")
    kunit = KERNEL / "source/tools/testing/kunit/kunit.py"
    for report, summary in ((GOOD, "passed: 1, skipped: 1"),
                            (GOOD.replace("ok 1", "not ok 1"), "failed: 1, skipped: 1")):
        said = subprocess.run([sys.executable, "-B", kunit, "parse", written(report)],
                              capture_output=True, check=False, text=True).stdout.rstrip()
        check(said.endswith(f"Ran 2 tests: {summary}"), f"kunit.py reads it so: {said}")


def test_cases() -> None:
    path = WORK / "case_one.c"
    path.write_text(CASE, encoding="utf-8")
    found = [cases.guest_case(one) for one in cases.registered_in(path)]
    check(len(found) == 1 and found[0].variants == ("control", "module") and
          found[0].minutes == 90, f"a case is read as {found}")
    fields = '.variants = "control module",'
    for what, text in (("an expression", CASE.replace("90", "30 * 3")),
                       ("a macro", CASE.replace('"a sentence"', "SHOWS")),
                       ("another form", CASE.replace("\t", "    ")),
                       ("no target", CASE.replace(fields, '.targets = "some",')),
                       ("no machine", CASE.replace(fields, '.machines = "large",')),
                       ("a machine too many", CASE.replace(fields, '.machines = "usual single",'))):
        path.write_text(text, encoding="utf-8")
        try:
            found = [cases.guest_case(one) for one in cases.registered_in(path)]
            check(not found, f"{what} in a CASE() is taken")
        except SetupError:
            pass


def test_targets() -> None:
    """What a target names is a case, and each case is run somewhere."""
    jobs = [job for target in (MAIN, *REFUSALS, *MATRIX) for job in suite.jobs_for(target)]
    for case in cases.all_cases():
        check(case.where == Where.COMMAND or any(job.case == case for job in jobs),
              f"no target has the case {case.name}")


def test_junit() -> None:
    run = suite.Run(MAIN, cases.Job(cases.find("sim")))
    run.lines = ["a control character: \x1b"]
    run.end(suite.LOST, "for this <reason>")
    junit.write([run], WORK / "junit.xml")
    found = ET.parse(WORK / "junit.xml").getroot().find("testsuite/testcase/error")
    check(found is not None and found.get("message") == "for this <reason>",
          "JUnit XML does not have a lost guest as an error")


def wait_for(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def is_alive(pid: int) -> bool:
    """A process that has ended and was not waited for is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_tether(number: signal.Signals) -> None:
    """A run that is killed, with a script whose child has left its process group and has
    lost its parent."""
    pids = WORK / "pids"
    pids.unlink(missing_ok=True)
    script = f"(setsid sh -c 'echo $$ >> {pids}; sleep 1000' & ); echo $$ >> {pids}; sleep 1000"
    program = (f"import subprocess, sys; sys.path.insert(0, {str(TESTS)!r})\n"
               "from lab.processes import tethered\n"
               f"subprocess.run(tethered('sh', '-c', {script!r}))")
    with subprocess.Popen([sys.executable, "-c", program]) as run:
        there = wait_for(lambda: pids.exists() and pids.read_text().count("\n") == 2)
        started = [int(word) for word in pids.read_text().split()] if there else []
        check(there and all(map(is_alive, started)), "the script has not started")
        os.kill(run.pid, number)
    check(wait_for(lambda: not any(map(is_alive, started))),
          f"a run is ended by {number.name}, and what it has started goes on")


def test_status() -> None:
    status = subprocess.run(tethered("sh", "-c", "exit 7"), check=False).returncode
    check(status == 7, f"on a tether exit status 7 is {status}")


WORK.mkdir(parents=True, exist_ok=True)
test_reports()
test_others()
test_cases()
test_targets()
test_junit()
test_status()
for one in (signal.SIGTERM, signal.SIGKILL):
    test_tether(one)
