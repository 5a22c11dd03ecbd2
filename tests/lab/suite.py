# SPDX-License-Identifier: GPL-2.0-only
"""Which cases are run on a target, and how."""
import collections
import concurrent.futures
import math
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from lab import building, cases, guest_files, ktap
from lab.booting import BOOTS, MACHINES, Guest, Result, param_list, read
from lab.booting import run as boot
from lab.cases import Case, Job, Kind, Where
from lab.kernels import (CACHE, LOGS, MAIN, NOT_ALLOWED, TESTS, NotAvailable, SetupError, Target,
                         can_install)
from lab.processes import tethered

# Guests at the same time. Each keeps a CPU of the host busy.
JOBS = int(os.environ.get("JOBS") or os.cpu_count() or 1)
# How long a mutant may stay unnoticed.
MUTANT_SECONDS = 1200
# Lines of a failed case to repeat at the end, and of a guest's console.
LAST_LINES, LAST_CONSOLE_LINES = 12, 40

PASS, FAIL, LOST, SKIPPED = "pass", "FAIL", "LOST", "skipped"
NO_TIME = "the time is over"
print_lock = threading.Lock()


def say(text: str = "") -> None:
    with print_lock:
        print(text, flush=True)


class Run:
    """A job on one target: its output, its result and why.

    append: for the guest's command line
    timeout: in seconds
    end: of all runs, by time.monotonic(); its guest is ended then

    tested: whether its result says something about the module, and not only that there is no
    kernel to run it on
    """

    def __init__(self, target: Target, job: Job, append: str = "",
                 timeout: float | None = None, end: float = math.inf) -> None:
        self.target, self.job, self.append, self.end_of_all = target, job, append, end
        self.timeout = timeout or job.case.minutes * 60
        self.result, self.why, self.tested = PASS, "", True
        self.seconds = 0.0
        self.faults = 0
        self.lines: list[str] = []
        self.numbers: dict[str, int] = {}

    def __str__(self) -> str:
        return f"{self.target.name} {self.job.name}"

    def report(self, text: str) -> None:
        line = f"    {self.target.name:14} {self.job.name:18} {text}".rstrip()
        self.lines.append(line)
        say(line)

    def end(self, result: str, why: str) -> None:
        self.result, self.why = result, why

    def left(self) -> float:
        return self.end_of_all - time.monotonic()

    def execute(self, kernel: Path | None, initrd: Path | None, logs: Path) -> None:
        """kernel: its directory, and initrd: of its guests, if the case uses them"""
        if self.left() <= 0:
            self.end(SKIPPED, NO_TIME)
            return
        start = time.monotonic()
        say(f"{self}: begins")
        kind = self.job.case.kind
        if kind == Kind.GUEST:
            assert kernel and initrd
            self.in_guest(guest_files.add_to(initrd, self.job.case.name, self.target, kernel), logs)
        elif kind == Kind.MUTANT:
            self.as_mutant(initrd, logs)
        elif kind == Kind.BUILD:
            self.as_refused_build()
        elif kind == Kind.OBJECT:
            self.on_host(building.module_path(self.target), logs)
        else:
            self.on_host(kernel or "", logs)
        self.seconds = time.monotonic() - start
        why = f": {self.why}" if self.why else ""
        say(f"{self}: {self.result}{why} ({self.seconds:.0f} s)")

    def in_guest(self, initrd: Path, logs: Path) -> None:
        guest = self.boot(initrd, logs, f"case={self.job.case.name} variant={self.job.variant}")
        for line in guest.known:
            self.report(f"a known fault of the stock kernel: {line}")
        for title, times in sorted(collections.Counter(guest.races).items()):
            self.report(f"a race of the kernel alone, {times} times: {title}")
        if guest.splats:
            self.end(FAIL, f"the kernel says: {guest.splats[0]}")
        elif guest.lost and self.left() <= 0:
            self.end(SKIPPED, NO_TIME)
        elif guest.lost:
            self.end(LOST, "the guest was lost")
        elif guest.faults:
            self.end(FAIL, "; ".join(guest.faults))
        elif not guest.report.plan or not guest.report.of_kind(ktap.OK):
            self.end(FAIL, "nothing was checked")
        if self.why:
            self.report(f"the end of {guest.console}:")
            for line in read(guest.console).splitlines()[-LAST_CONSOLE_LINES:]:
                self.report(f"| {line}")

    def boot(self, initrd: Path | None, logs: Path, append: str,
             until: re.Pattern[str] | None = None) -> Result:
        """Boot a guest, again if the emulator kills it."""
        assert initrd
        guest = Guest(self.target.kernel.image_file, initrd,
                      f"{self.target.kernel.append} params={param_list(self.target.params)} "
                      f"{self.append} {append}",
                      logs / "-".join(filter(None, (self.job.case.name, self.job.variant))),
                      MACHINES[self.job.case.machine(self.job.variant)])
        for _ in range(BOOTS):
            result = boot(guest, min(self.timeout, self.left()), self.on_report, until)
            if not result.emulator_fault:
                break
            self.report("the emulator has run a stale breakpoint, which killed the guest: once "
                        "more")
        return result

    def on_report(self, kind: str, text: str) -> None:
        if kind == ktap.NUM:
            value, _, what = text.partition(" ")
            self.numbers[what] = int(value)
        self.faults += kind == ktap.FAIL
        self.report(f"{kind:4} {text}")

    def as_mutant(self, initrd: Path | None, logs: Path) -> None:
        """The kernel must notice what the mutant does."""
        expected = re.compile(building.MUTANTS[self.job.variant][2])
        guest = self.boot(initrd, logs, f"case=race variant=module seconds={MUTANT_SECONDS} "
                          f"module=/mutant-{self.job.variant}.ko", expected)
        seen = expected.search(read(guest.console))
        if seen:
            self.report(f"ok   {seen.group(0)}")
        else:
            self.end(FAIL, "the mutant was not noticed")

    def as_refused_build(self) -> None:
        """The module must refuse to be built, with the reason."""
        try:
            building.module(self.target, self.target.kernel.directory)
            self.end(FAIL, "the module was built")
        except SetupError as error:
            assert error.log
            reasons = [line.strip() for line in read(Path(error.log)).splitlines()
                       if self.target.reason in line]
            if reasons:
                self.report(f"ok   {reasons[0]}")
            else:
                self.end(FAIL, f"the build does not say '{self.target.reason}'")

    def on_host(self, argument: str | Path, logs: Path) -> None:
        script = TESTS / "host" / f"{self.job.case.name}.sh"
        line = ""
        with subprocess.Popen(tethered("sh", script, argument, logs / self.job.case.name),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace") as process:
            assert process.stdout
            for line in process.stdout:
                self.report(line.rstrip())
        # the last line of what it says is then the reason
        if process.returncode == NOT_ALLOWED and line.startswith("skipped: "):
            self.end(SKIPPED, line.partition(" ")[2].rstrip())
        elif process.returncode:
            self.end(FAIL, f"exit status {process.returncode}")


def is_for(case: Case, target: Target) -> bool:
    """Is it a case of this target?"""
    if target.refuses:
        return case.name == target.refuses
    if target.only:
        return case.name in target.only
    if case.name in target.without:
        return False
    return {Where.SUITE: True, Where.FIRE: target.fire, Where.NAMED: case.name in target.extra,
            Where.MAIN: target == MAIN, Where.COMMAND: False}[case.where]


def jobs_for(target: Target, wanted: Collection[str] = ()) -> list[Job]:
    """A target's jobs. wanted: only these cases, if any"""
    for name in (*target.extra, *target.only, *target.without, *filter(None, [target.refuses])):
        cases.find(name)
    return [job for case in cases.all_cases()
            if is_for(case, target) and (not wanted or case.name in wanted)
            for job in case.jobs()]


def left_out(target: Target) -> list[str]:
    """The cases of the suite that a target's is without."""
    return [case.name for case in cases.all_cases()
            if case.where in (Where.SUITE, Where.FIRE) and not is_for(case, target)]


def needs(target: Target, jobs: Iterable[Job]) -> set[str]:
    """What these jobs of a target use. Names of groups of packages, see setup/packages.sh;
    and of what is prepared:

    tree: a tree to build modules for the kernel
    clang: one to build them with clang
    guest: all that a guest boots
    peers: the kernel's selftests
    bpftrace: a program for the guest
    """
    used = {one for job in jobs for one in job.case.uses}
    if (target.clang or target.kernel.make_variables) and "tree" in used:
        used.add("clang")
    return used


def prepare(target: Target, jobs: Collection[Job]) -> tuple[Path | None, Path | None]:
    """Prepare what these jobs of a target use, but packages.

    Returns the kernel's directory and the guest's initramfs, or what there is of them.
    """
    used = needs(target, jobs)
    kernel = initrd = None
    if "tree" in used:
        say(f"preparing {target.name} in {CACHE}")
        kernel = target.kernel.prepare("clang" in used)
        if "guest" in used:
            initrd = building.build(target, kernel, "peers" in used,
                                    [job.variant for job in jobs if job.case.kind == Kind.MUTANT])
            cases.check_driver(building.driver(target))
        elif any(job.case.kind == Kind.OBJECT for job in jobs):
            building.module(target, kernel)
    return kernel, initrd


def end_unprepared(runs: Iterable[Run], error: Exception) -> None:
    """Give runs a result whose target cannot be prepared.

    A kernel that the archive no longer has is no fault, but for the main kernel: most cases
    are run on no other one in 'make test', which must not succeed without them.
    """
    for run in runs:
        if isinstance(error, NotAvailable):
            run.end(FAIL if run.target == MAIN else SKIPPED,
                    "the archive does not have this kernel")
            run.tested = False
        else:
            run.end(FAIL, str(error))
            # building for a kernel has a log; fetching or building the kernel itself has none
            run.tested = not isinstance(error, SetupError) or error.log is not None


def run_target(target: Target, wanted: Collection[str] = (), done: Collection[str] = (),
               on_end: Callable[[Run], object] = lambda run: None,
               end: float = math.inf) -> list[Run]:
    """Set a target up and run its jobs.

    wanted: only these cases, if any
    done: names of jobs that are not to be run
    on_end: is called with each that has ended
    end: nothing begins after it, by time.monotonic()
    """
    runs = [Run(target, job, end=end) for job in jobs_for(target, wanted) if job.name not in done]
    if not runs:
        return []
    logs = LOGS / target.name
    logs.mkdir(parents=True, exist_ok=True)

    def one(run: Run) -> None:
        try:
            run.execute(kernel, initrd, logs)
        except (SetupError, subprocess.CalledProcessError) as error:
            # in what only this case has in its guest: it ends no other one
            run.end(FAIL, str(error))
            say(f"{run}: {run.result}: {run.why}")
        on_end(run)

    try:
        for run in runs:
            if run.left() <= 0:
                run.end(SKIPPED, NO_TIME)
            elif not can_install(frozenset(needs(target, [run.job]))):
                run.end(SKIPPED, "packages are missing that only root can install")
        allowed = [run for run in runs if run.result != SKIPPED]
        kernel, initrd = prepare(target, [run.job for run in allowed])
        with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
            list(pool.map(one, allowed))
    except (NotAvailable, SetupError, subprocess.CalledProcessError) as error:
        end_unprepared(runs, error)
    return runs
