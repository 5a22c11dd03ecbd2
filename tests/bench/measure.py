# SPDX-License-Identifier: GPL-2.0-only
"""Measure how a busy machine recovers from its scheduler: this module beside stock kernels.

Guest time is the number of instructions that all CPUs have executed (1 ns each), so
that the figures do not depend on the host. What has been measured is kept in
CACHE/recover, and an interrupted bench goes on.
"""
import concurrent.futures
import dataclasses
import os

from bench import goals as bench_goals
from bench import report as bench_report
from lab import building as build
from bench import charts
from lab import suite
from lab import booting as vm
from bench.results import Load, Results
from lab.kernels import CACHE, LINUX_6_18, LINUX_6_19, LINUX_7_3, MAIN, TESTS, Kernel, install
from lab.table import markdown

# To see whether it is the same when the guest's CPUs run at the same time, each on a
# thread of the host: by the host's time, so the figures are shown but not recorded.
THREADED = bool(os.environ.get("THREADED"))
# of a guest, in seconds of the host
TIMEOUT = 10800
# runs of each variant in one boot: a guest that is lost costs no more than these
RUNS_PER_BOOT = 5
# programs that are loads, from Debian's packages rt-tests and stress-ng
PROGRAMS = ("/usr/bin/hackbench", "/usr/bin/stress-ng")


@dataclasses.dataclass(frozen=True)
class Variant:
    """What is compared. params: the module's; without them it is not loaded.

    loads: only these
    """
    name: str
    kernel: Kernel
    params: str = None
    loads: tuple = ()

    def words(self):
        """As the guest wants it, see tests/guest/case_bench.c."""
        return "stock" if self.params is None else vm.param_list(f"module {self.params}".strip())

    def measures(self, load):
        return load.name in (self.loads or LOADS)


# what is measured for each number of tasks for each CPU; idle and cost once
LOADS = ("idle", "skew", "piles", "threads", "fork", "pinned", "lone", "switch", "enable",
         "hackbench", "stress")
ONCE = ("idle", "cost")
ALL_LOADS = (*LOADS, "cost")
# for what an option is worth
FOR_OPTIONS = ("skew", "threads", "fork", "pinned", "stress")
VARIANTS = (
    Variant(bench_report.STOCK, LINUX_6_18, loads=ALL_LOADS),
    Variant(bench_report.MODULE, LINUX_6_18, "", loads=ALL_LOADS),
    Variant("module, readers_first=0", LINUX_6_18, "readers_first=0", FOR_OPTIONS),
    Variant("module, kthreads_first=0", LINUX_6_18, "kthreads_first=0", FOR_OPTIONS),
    Variant("module, expedite_rcu=0", LINUX_6_18, "expedite_rcu=0", FOR_OPTIONS),
    Variant("module, livepatch", LINUX_6_18, "backend=livepatch", ("cost",)),
    Variant(bench_report.NATIVE, LINUX_6_19),
    Variant("native 7.3.4", LINUX_7_3),
)


def loads(cpus, tasks_per_cpu, workloads):
    """The idle machine has one task."""
    for n in cpus:
        if "idle" in workloads:
            yield Load("skew", n, 0)
        if "cost" in workloads:
            yield Load("cost", n, tasks_per_cpu[0])
        for workload in LOADS:
            if workload in workloads and workload not in ONCE:
                yield from (Load(workload, n, tasks) for tasks in tasks_per_cpu)


def numbers(name, default):
    """Numbers from the environment."""
    words = (os.environ.get(name) or default).split()
    if not all(word.isdecimal() and int(word) for word in words):
        raise SystemExit(f"{name} must be numbers above 0")
    return [int(word) for word in words]


def chosen(name, known):
    """Some of what there is, from the environment."""
    words = os.environ.get(name, "").split() or list(known)
    unknown = [word for word in words if word not in known]
    if unknown:
        raise SystemExit(f"{name}: no {' '.join(unknown)}; there are {' '.join(known)}")
    return words


def chosen_variants():
    """All, or those whose names begin with a word of VARIANTS."""
    words = os.environ.get("VARIANTS", "").split(":")
    found = [v for v in VARIANTS if any(v.name.startswith(word.strip()) for word in words)]
    if "module" in words:
        found = [v for v in found if not v.name.startswith("module,")]
    if not found:
        raise SystemExit(f"VARIANTS: there are {':'.join(v.name for v in VARIANTS)}")
    return found


def measure(kernel, load, variants, runs, results, initrd):
    """Boot once, for so many runs of each of these variants."""
    machine = vm.Machine(cpus=load.cpus, threads=1, counted=not THREADED,
                         gigabytes=2 + load.tasks // 1000)
    log = os.path.join(CACHE, "logs", "bench",
                       f"{kernel.release}-{load.name}-{load.cpus}-{load.tasks}")
    os.makedirs(os.path.dirname(log), exist_ok=True)
    samples = int(not all(results.has_samples(variant.name, load) for variant in variants))

    def on_line(kind, text):
        words = text.split()
        if kind == "info" and words[0] == "run":
            figures = {name: int(value) for name, value in zip(words[1::2], words[2::2])}
            variant = variants[figures.pop("variant")]
            results.add(variant.name, load, figures)
            suite.say(f"  {load.name:9} {load.cpus:4} CPUs {load.tasks:6} tasks  "
                      f"{variant.name:24} {bench_report.brief(load, figures)}")
        elif kind == "info" and words[0] == "queues":
            results.add_sample(variants[int(words[1])].name, load,
                               [int(word) for word in words[2:]])
        elif kind in ("info", "fail"):
            suite.say(f"  {kernel.release} {load.name}: {kind}: {text}")

    guest = vm.run(os.path.join(kernel.directory, "vmlinuz"), initrd,
                   f"{kernel.append} cpu_init_udelay=0 case=bench workload={load.workload} "
                   f"tasks={load.tasks} runs={runs} samples={samples} "
                   f"variants={':'.join(variant.words() for variant in variants)}",
                   log, TIMEOUT, on_line, None, machine)
    if guest.lost or guest.splats:
        suite.say(f"  {kernel.release} {load}: {'LOST' if guest.lost else guest.splats[0]}, "
                  f"see {guest.console}")
    return not (guest.lost or guest.splats or guest.of_kind("fail"))


def plan(results, wanted, todo, variants):
    """(kernel, load, variants, runs) for what is missing."""
    for load in todo:
        for kernel in dict.fromkeys(variant.kernel for variant in variants):
            missing = {variant: wanted - len(results.of(variant.name, load))
                       for variant in variants
                       if variant.kernel == kernel and variant.measures(load)}
            left = max(missing.values(), default=0)
            while left > 0:
                runs = min(left, RUNS_PER_BOOT)
                yield kernel, load, [v for v in missing if missing[v] >= left], runs
                left -= runs


def bench():
    """Returns whether something failed."""
    runs = numbers("RUNS", "10")[0]
    cpus, tasks_per_cpu = numbers("CPUS", "32"), numbers("TASKS", "30")
    todo = list(loads(cpus, tasks_per_cpu, chosen("LOADS", ALL_LOADS)))
    variants = chosen_variants()
    results = Results(os.path.join(CACHE, "recover-threaded" if THREADED else "recover"))
    jobs = list(plan(results, runs, todo, variants))
    install(("tree", "guest", "plot", "programs"))
    for kernel in dict.fromkeys(job[0] for job in jobs):
        suite.say(f"preparing {kernel.release} in {CACHE}")
        kernel.prepare()
    initrd = build.build(dataclasses.replace(MAIN, name="bench", extra=()),
                         LINUX_6_18.directory, programs=PROGRAMS) if jobs else None
    suite.say(f"{len(jobs)} guests to boot, {suite.JOBS} at a time")

    def one(number):
        ok = measure(*jobs[number], results, initrd)
        suite.say(f"{number + 1} of {len(jobs)}")
        return ok

    with concurrent.futures.ThreadPoolExecutor(suite.JOBS) as pool:
        failed = list(pool.map(one, range(len(jobs)))).count(False)
    if THREADED:
        suite.say(markdown(bench_report.RECORD.heads, bench_report.rows(results)))
    else:
        bench_report.record(results)
        bench_goals.record()
        charts.draw(results, os.path.join(TESTS, "records", "charts"))
        for table in (*bench_report.TABLES, bench_goals.GOALS):
            suite.say(table.markdown())
    if failed:
        suite.say(f"{failed} guests have failed")
    return bool(failed)
