# SPDX-License-Identifier: GPL-2.0-only
"""All storms at the same time, for as long as one likes, on several kernels; cases in their
long form.

A record says what has been done how many times, and how many faults it has
shown: splats, lost tasks, lost guests, anything a check found.
"""
import concurrent.futures
from collections.abc import Collection, Iterable

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
# all storms on these
SOAKED = ("6.18.15", "6.18.15-debug", "6.18.15-kcsan")
# The long forms of cases of the suite, on the kernels where they show most, and the seconds that
# one takes there. The first kernel waits in its breather as a scheduler goes, the second stays in
# bypass for good.
LONG = (("6.18.15-cachyos", "seams", 60), ("6.17.8", "leak", 3), ("6.18.15", "hog", 90),
        ("6.18.15", "hogforks", 60), ("6.18.15", "unload", 300))
TARGETS = {target.name: target for target in (MAIN, *MATRIX)
           if target.name in {*SOAKED, *(name for name, *_ in LONG)}}


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


def plan(minutes: int, wanted: Collection[str]) -> list[suite.Run]:
    """The runs: loading under fire on the main kernel, soaking on some.

    Beside each the same without the module, for as long: what a storm does to the kernel
    itself is to be seen, the worst delay of a sleeper above all. Then cases in their long
    form. wanted: only on these targets
    """
    fire = [MAIN] if MAIN.name in wanted else []
    soaked = [TARGETS[name] for name in SOAKED if name in wanted]
    long = [one for one in LONG if one[0] in wanted]
    rounds = -(-(2 * len(fire) + 2 * len(soaked) + len(long)) // suite.JOBS)
    share = int(minutes * 60 / rounds)
    loads = min(LOADS, share // SECONDS_PER_LOAD)

    def run(target: Target, job: Job, append: str) -> suite.Run:
        return suite.Run(target, job, append, share * PATIENCE)

    runs = [run(target, module("fire"), f"loads={min(LOADS_PER_GUEST, loads - begun)}")
            for target in fire for begun in range(0, loads, LOADS_PER_GUEST)]
    runs += [run(target, control("fire"), f"seconds={share}") for target in fire]
    runs += [run(target, kind("soak"), f"seconds={share}")
             for target in soaked for kind in (module, control)]
    runs += [run(TARGETS[target], module(name), f"times={max(share // seconds, 1)}")
             for target, name, seconds in long]
    return runs


def stress(minutes: int, wanted: Collection[str] = ()) -> bool:
    """wanted: only on these targets, if any. Returns whether something failed."""
    runs = plan(minutes, wanted or TARGETS)
    images = {}
    install(("tree", "guest"))
    for target in dict.fromkeys(run.target for run in runs):
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
