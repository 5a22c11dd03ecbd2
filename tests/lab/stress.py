# SPDX-License-Identifier: GPL-2.0-only
"""All storms at the same time, for as long as one likes, on several kernels; cases in their
long form.

A record says what has been done how many times, and how many faults it has
shown: splats, lost tasks, lost guests, anything a check found.
"""
import concurrent.futures
from collections.abc import Iterable

from lab import building, cases, suite
from lab.cases import Job
from lab.kernels import CACHE, LOGS, MAIN, MATRIX, Target, install
from lab.table import Row, Table

# What each row counts. The first column of the guest's figures are summed up.
TASK_STORMS = ("affinity", "policy", "nice", "fork", "wake", "ptrace", "cookie", "cgroup move",
               "cpu.weight", "cpuset")
WORST = "worst delay of a sleeper, ms"
COLUMNS = {
    "bypass entered": ("bypass", "suspend"),
    "passes": ("passes",),
    "tasks moved": ("tasks moved",),
    "rmmod": ("insmod and rmmod",),
    "CPU off and on": ("hotplug",),
    "suspend": ("suspend",),
    "changes to tasks": TASK_STORMS,
    WORST: ("ms that a sleeping task was woken late at worst",),
}
RECORD = Table("stress.tsv", "make stress",
               ("kernel", "run", "minutes", *COLUMNS, "splats, lost tasks, failures"))
# how often the module is loaded and unloaded under fire at most, and how long that takes
LOADS = 200
SECONDS_PER_LOAD = 20
# the more code a guest patches, the likelier is the emulator's fault (see booting.py)
LOADS_PER_GUEST = 50
# a guest may take so many times as long as it should
PATIENCE = 4
# less than that shows nothing
LEAST_MINUTES = 30
# the long forms of cases of the suite, and the seconds that one takes there
LONG = {"seams": 60, "hog": 90, "hogforks": 60, "unload": 90}


def targets() -> list[Target]:
    named = {target.name: target for target in (MAIN, *MATRIX)}
    return [named[name] for name in ("6.18.15", "6.18.15-debug", "6.18.15-kcsan")]


def module(name: str) -> Job:
    return Job(cases.find(name), "module")


def control(name: str) -> Job:
    """For some cases only the storms have a run without the module."""
    return Job(cases.find(name), "control")


def row(run: suite.Run) -> Row:
    faults = run.faults
    if run.result != suite.PASS:
        faults = max(faults, 1)
    figures = [sum(run.numbers.get(name, 0) for name in names) for names in COLUMNS.values()]
    return (run.target.name, run.job.name, round(run.seconds / 60), *figures, faults)


def add(one: Row, other: Row) -> Row:
    """Two runs of the same in one row."""
    worst = RECORD.heads.index(WORST)
    figures = [[int(str(cell)) for cell in pair]
               for pair in zip(one[RECORD.keys:], other[RECORD.keys:])]
    return (*one[:RECORD.keys], *(max(pair) if i == worst else sum(pair)
                                  for i, pair in enumerate(figures, RECORD.keys)))


def added_up(rows: Iterable[Row]) -> list[Row]:
    """A row for each kernel and run."""
    sums: dict[Row, Row] = {}
    for one in rows:
        key = one[:RECORD.keys]
        sums[key] = add(sums[key], one) if key in sums else one
    return list(sums.values())


def plan(minutes: int) -> list[suite.Run]:
    """The runs: loading under fire on the main kernel, soaking on all of them.

    Beside each the same without the module, for as long: what a storm does to the kernel
    itself is to be seen, the worst delay of a sleeper above all. Then cases in their long
    form.
    """
    everywhere = targets()
    controls = [(MAIN, control("fire")), *((target, control("soak")) for target in everywhere)]
    rounds = -(-(1 + len(everywhere) + len(controls) + len(LONG)) // suite.JOBS)
    share = int(minutes * 60 / rounds)
    loads = min(LOADS, share // SECONDS_PER_LOAD)
    runs = [suite.Run(MAIN, module("fire"), f"loads={min(LOADS_PER_GUEST, loads - begun)}",
                      share * PATIENCE)
            for begun in range(0, loads, LOADS_PER_GUEST)]
    runs += [suite.Run(target, module("soak"), f"seconds={share}", share * PATIENCE)
             for target in everywhere]
    runs += [suite.Run(target, job, f"seconds={share}", share * PATIENCE)
             for target, job in controls]
    runs += [suite.Run(MAIN, module(name), f"times={max(share // seconds, 1)}", share * PATIENCE)
             for name, seconds in LONG.items()]
    return runs


def stress(minutes: int) -> bool:
    """Returns whether something failed."""
    runs = plan(minutes)
    images = {}
    install(("tree", "guest"))
    for target in targets():
        suite.say(f"preparing {target.name} in {CACHE}")
        kernel = target.kernel.prepare()
        images[target.name] = (kernel, building.build(target, kernel))

    def one(number: int) -> Row:
        run = runs[number]
        logs = LOGS / "stress" / f"{number}-{run.target.name}"
        logs.mkdir(parents=True, exist_ok=True)
        run.execute(*images[run.target.name], logs)
        return row(run)

    with concurrent.futures.ThreadPoolExecutor(suite.JOBS) as pool:
        RECORD.renew(added_up(pool.map(one, range(len(runs)))))
    suite.say()
    suite.say(RECORD.markdown())
    failed = [run for run in runs if run.result != suite.PASS]
    for run in failed:
        suite.say(f"{run.result} {run}: {run.why}")
    suite.say(f"{len(runs) - len(failed)} passed, {len(failed)} failed")
    return bool(failed)
