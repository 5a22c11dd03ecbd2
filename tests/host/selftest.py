# SPDX-License-Identifier: GPL-2.0-only
"""The lab's own parts: reports are read as they are meant, programs of others read them too,
the cases are found, a run that shows nothing fails, what could not be fetched is not taken for
fetched, and nothing that a killed run has started stays. Prints what is wrong.

usage: selftest.py KERNEL_DIRECTORY WORK_DIRECTORY
"""
import os
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from lab import cases, junit, ktap, matrix, progress, suite
from lab.cases import Where
from lab.kernels import (MAIN, MATRIX, NOT_ALLOWED, NOT_AVAILABLE, REFUSALS, TESTS, TOP,
                         NotAvailable, SetupError, Target)
from lab.processes import tethered

KERNEL, WORK = Path(sys.argv[1]), Path(sys.argv[2]).absolute()
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
# In place of apt-get and apt-cache. In the directory of its state there is a file "network" if
# there is one, and "package" if the archive has its only one. Without a network a download ends
# in the middle.
APT = """#!/bin/sh
state='%s'
get() {
	printf 'the first half' > "$1"
	[ -e "$state/network" ] && printf ', and the other' >> "$1"
}
case "$0 $*" in
*" update --print-uris"*)
	(. /etc/os-release && echo "'http://localhost/dists/$VERSION_CODENAME/InRelease' x 0")
	;;
*" update"*)
	# without this option apt-get does not fail
	[ -e "$state/network" ] || { [ "${*#*Error-Mode=any}" = "$*" ]; exit; }
	lists=$(echo "$*" | sed 's/.*Dir::State::lists=\\([^ ]*\\).*/\\1/')
	touch "$lists/x_Packages" "$lists/x_Sources"
	;;
*apt-cache*" show thing="*) [ -e "$state/package" ] ;;
*apt-cache*" show "*) false ;;
*" download "*) get thing_1_amd64.deb ;;
*) false ;;
esac
"""


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


def ended(result: str, target: Target = MAIN) -> suite.Run:
    run = suite.Run(target, cases.Job(cases.find("sim")))
    run.end(result, "")
    return run


def test_conclusion() -> None:
    for results, failed in (((suite.PASS, suite.SKIPPED), False), ((suite.SKIPPED,), True),
                            ((suite.PASS, suite.FAIL), True), ((suite.PASS, suite.LOST), True),
                            ((), True)):
        check(matrix.has_failed([ended(one) for one in results]) == failed,
              f"a run with the results {results} has failed: {not failed}")
    for target, error, result, tested in (
            (MAIN, NotAvailable(), suite.FAIL, False),
            (MATRIX[0], NotAvailable(), suite.SKIPPED, False),
            (MATRIX[0], SetupError("no network"), suite.FAIL, False),
            (MATRIX[0], SetupError("a fault of the module", "a log"), suite.FAIL, True)):
        run = ended(suite.PASS, target)
        suite.end_unprepared([run], error)
        check((run.result, run.tested) == (result, tested),
              f"{target.name}, which cannot be prepared: {error!r}, is {run.result}")


def test_progress() -> None:
    path = WORK / "progress.tsv"
    path.unlink(missing_ok=True)
    for result in (suite.PASS, suite.SKIPPED):
        progress.Progress(path=path).add(ended(result))
    progress.Progress(path=path).add(ended(suite.LOST, MATRIX[0]))
    kept = progress.Progress(path=path).results
    check(kept == {(MAIN.name, "sim"): suite.PASS}, f"of a run, this is kept: {kept}")
    files = {str(path.relative_to(TOP)) for path in progress.source_files()}
    for file in ("tools/main.c", "docs/ABI/debugfs-scx_bypass_lb", "docs/man/scx-bypass.1",
                 "contrib/bypass.bt", "packaging/deb.sh", "src/main.c", "tests/run.py"):
        check(file in files, f"{file} may change, and what was run before counts")
    check("docs/testing.md" not in files, "a run changes by its own record what it depends on")


def shell(script: str, **variables: str | Path) -> tuple[int, str]:
    """Run it. Returns its status, and what it says."""
    done = subprocess.run(tethered("sh", "-c", f"set -eu; {script}"), cwd=TESTS / "setup",
                          env={**os.environ, **{name: str(one) for name, one in variables.items()}},
                          check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def test_cache_path() -> None:
    for name in ("a b", "a\tb", "a\n", "a:b", "a,b", "a=b", "a*", "a[b]", "a'b", "a$b", "a\\b",
                 "a%b"):
        path = WORK / name / "cache"
        status, said = shell("sh packages.sh", CACHE=path)
        check(status == 1 and said.startswith("error: CACHE is ") and not path.parent.exists(),
              f"with CACHE={path} the status is {status}: {said}")
    status, said = shell("sh packages.sh", CACHE=WORK / "a-b_c.d+e~f")
    check(status == 0, f"a path that CACHE may have is refused: {said}")


def test_scratch() -> None:
    status, said = shell(". ../host/scratch.sh; skip 'the reason'")
    check((status, said) == (NOT_ALLOWED, "skipped: the reason\n"),
          f"a case that is not possible here ends with status {status}: {said}")


class Archive:
    """Scripts of tests/setup with the archive that APT above is."""

    def __init__(self, name: str) -> None:
        self.directory = WORK / name
        shutil.rmtree(self.directory, ignore_errors=True)
        programs = self.directory / "bin"
        programs.mkdir(parents=True)
        for program in ("apt-get", "apt-cache"):
            (programs / program).write_text(APT % self.directory, encoding="utf-8")
            (programs / program).chmod(0o755)
        self.path = f"{programs}:{os.environ['PATH']}"
        self.download = self.directory / "cache/download"

    def set(self, **states: bool) -> None:
        for name, there in states.items():
            if there:
                (self.directory / name).touch()
            else:
                (self.directory / name).unlink(missing_ok=True)

    def run(self, script: str) -> tuple[int, str]:
        return shell(script, CACHE=self.directory / "cache", PATH=self.path)

    def fetch(self, what: str, expected: int, text: str, which: str) -> None:
        status, said = self.run(f". ./apt.sh; . ./source.sh; private_apt a-suite; {what}")
        check(status == expected and text in said,
              f"{what}, {which}: status {status}, not {expected}: {said}")


def test_fetching() -> None:
    """What is not in the archive, what cannot be fetched, a download that was interrupted, what is
    there already."""
    archive = Archive("archive")
    package, source = "fetch_package thing 1", "upstream=1; download_source 1-1"
    deb = archive.download / "thing_1_amd64.deb"
    archive.set(package=True)
    archive.fetch(package, 1, "is there a network?", "no index, no network")
    check(not list(archive.directory.rglob("stamp")), "an index that was not read counts as read")
    archive.set(network=True, package=False)
    archive.fetch(package, NOT_AVAILABLE, "not available: package thing 1", "not in the archive")
    archive.fetch(source, NOT_AVAILABLE, "not available: source linux 1-1", "not in the archive")
    archive.set(network=False)
    archive.fetch(package, 1, "cannot fetch package thing 1", "not in an old index, no network")
    archive.set(package=True)
    archive.fetch(package, 1, "cannot fetch package thing 1", "interrupted")
    check(not deb.exists(), "half a download is taken for all of it")
    # as one leaves it that was killed
    (archive.download / "new").mkdir()
    (archive.download / "new" / deb.name).write_text("something else", encoding="utf-8")
    archive.set(network=True)
    archive.fetch(package, 0, "fetching package thing 1", "in the archive")
    check(deb.exists() and deb.read_text() == "the first half, and the other",
          "a download was interrupted, and the next one does not make the file complete")
    check(sorted(path.name for path in archive.download.iterdir()) == ["lock", deb.name],
          "of an interrupted download something is left")
    archive.set(network=False, package=False)
    archive.fetch(package, 0, "", "fetched before, no network")


def make_package(path: Path) -> None:
    """Of a kernel that is no kernel."""
    tree = WORK / "package"
    shutil.rmtree(tree, ignore_errors=True)
    for name, data in (("DEBIAN/control", b"Package: x\nVersion: 1\nArchitecture: all\n"
                                          b"Maintainer: x <x@localhost>\nDescription: x\n"),
                       ("boot/config-1", b"a config"), ("boot/vmlinuz-1", os.urandom(1 << 20))):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(data)
    tree.chmod(0o755)
    (tree / "DEBIAN").chmod(0o755)
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, path], check=True,
                   stdout=subprocess.DEVNULL)


def test_unpacking() -> None:
    """A package of a kernel that has lost its end, as an older version has left it, and a whole
    one."""
    archive = Archive("kernels")
    archive.set(network=True)
    archive.download.mkdir(parents=True)
    deb = archive.download / "linux-image-1_1_amd64.deb"
    kernel = archive.directory / "cache/kernels/1"
    make_package(deb)
    whole = deb.read_bytes()
    deb.write_bytes(whole[:len(whole) // 2])
    status, said = archive.run("sh stock.sh 1 1 a-suite image")
    check(status == 1 and "not complete" in said, f"half a package: status {status}: {said}")
    check(not (kernel / "ready").exists() and not deb.exists(), "half a package is used")
    deb.write_bytes(whole)
    status, said = archive.run("sh stock.sh 1 1 a-suite image")
    check(status == 0 and (kernel / "ready").exists() and
          (kernel / "vmlinuz").read_bytes() == (WORK / "package/boot/vmlinuz-1").read_bytes(),
          f"a whole package is not unpacked: {said}")


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
test_conclusion()
test_progress()
test_cache_path()
test_scratch()
test_fetching()
test_unpacking()
test_status()
for one in (signal.SIGTERM, signal.SIGKILL):
    test_tether(one)
