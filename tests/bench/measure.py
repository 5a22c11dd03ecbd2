# SPDX-License-Identifier: GPL-2.0-only
"""Measure how a busy machine recovers from its scheduler: this module beside stock kernels.

Guest time is the number of instructions that all CPUs have executed (1 ns each), so
that the figures do not depend on the host. What has been measured is kept in
CACHE/recover, and an interrupted bench goes on.
"""
import concurrent.futures
import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bench import charts, goals, report
from bench.results import Load, Results
from lab import booting, building, suite
from lab.kernels import (CACHE, LINUX_6_18, LINUX_6_19, LINUX_7_3, LOGS, MAIN, TOP, Kernel,
                         install)
from lab.table import markdown

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
    params: str | None = None
    loads: tuple[str, ...] = ()

    def words(self) -> str:
        """As the guest wants it, see tests/guest/case_bench.c."""
        return "stock" if self.params is None else booting.param_list(f"module {self.params}".strip())

    def measures(self, load: Load) -> bool:
        return load.name in (self.loads or LOADS)


# what is measured for each number of tasks for each CPU; idle and cost once
LOADS = ("idle", "skew", "piles", "threads", "fork", "pinned", "lone", "switch", "enable",
         "hackbench", "stress")
ONCE = ("idle", "cost")
ALL_LOADS = (*LOADS, "cost")
# for what an option is worth
FOR_OPTIONS = ("skew", "threads", "fork", "pinned", "stress")
VARIANTS = (
    Variant(report.STOCK, LINUX_6_18, loads=ALL_LOADS),
    Variant(report.MODULE, LINUX_6_18, "", loads=ALL_LOADS),
    Variant("module, readers_first=0", LINUX_6_18, "readers_first=0", FOR_OPTIONS),
    Variant("module, kthreads_first=0", LINUX_6_18, "kthreads_first=0", FOR_OPTIONS),
    Variant("module, expedite_rcu=0", LINUX_6_18, "expedite_rcu=0", FOR_OPTIONS),
    Variant("module, livepatch", LINUX_6_18, "backend=livepatch", ("cost",)),
    Variant(report.NATIVE, LINUX_6_19),
    Variant("native 7.3.4", LINUX_7_3),
)


@dataclasses.dataclass(frozen=True)
class Choice:
    """What is to be measured.

    runs: of each variant
    tasks: for each CPU
    variants: the beginnings of names, with colons between; "module" alone is just that one
    threaded: to see whether it is the same when the guest's CPUs run at the same time, each on
              a thread of the host: by the host's time, so the figures are shown but not recorded
    """
    runs: int
    cpus: Sequence[int]
    tasks: Sequence[int]
    loads: Sequence[str]
    variants: str
    threaded: bool

    def all_loads(self) -> Iterator[Load]:
        """The idle machine has one task."""
        for n in self.cpus:
            if "idle" in self.loads:
                yield Load("skew", n, 0)
            if "cost" in self.loads:
                yield Load("cost", n, self.tasks[0])
            for workload in LOADS:
                if workload in self.loads and workload not in ONCE:
                    yield from (Load(workload, n, tasks) for tasks in self.tasks)

    def all_variants(self) -> list[Variant]:
        words = self.variants.split(":")
        found = [v for v in VARIANTS if any(v.name.startswith(word.strip()) for word in words)]
        if "module" in words:
            found = [v for v in found if not v.name.startswith("module,")]
        if not found:
            raise SystemExit(f"there are the variants {':'.join(v.name for v in VARIANTS)}")
        return found


@dataclasses.dataclass(frozen=True)
class Boot:
    """A guest to boot, for so many runs of each of these variants."""
    kernel: Kernel
    load: Load
    variants: Sequence[Variant]
    runs: int
    threaded: bool

    def measure(self, results: Results, initrd: Path) -> bool:
        """Returns whether all went well."""
        kernel, load, variants = self.kernel, self.load, self.variants
        machine = booting.Machine(cpus=load.cpus, threads=1, counted=not self.threaded,
                                  gigabytes=2 + load.tasks // 1000)
        log = LOGS / "bench" / f"{kernel.release}-{load.name}-{load.cpus}-{load.tasks}"
        log.parent.mkdir(parents=True, exist_ok=True)
        samples = int(not all(results.has_samples(variant.name, load) for variant in variants))

        def on_line(kind: str, text: str) -> None:
            words = text.split()
            if kind == "info" and words[0] == "run":
                figures = {name: int(value) for name, value in zip(words[1::2], words[2::2])}
                variant = variants[figures.pop("variant")]
                results.add(variant.name, load, figures)
                suite.say(f"  {load.name:9} {load.cpus:4} CPUs {load.tasks:6} tasks  "
                          f"{variant.name:24} {report.brief(load, figures)}")
            elif kind == "info" and words[0] == "queues":
                results.add_sample(variants[int(words[1])].name, load,
                                   [int(word) for word in words[2:]])
            elif kind in ("info", "fail"):
                suite.say(f"  {kernel.release} {load.name}: {kind}: {text}")

        guest = booting.Guest(
            kernel.image_file, initrd,
            f"{kernel.append} cpu_init_udelay=0 case=bench workload={load.workload} "
            f"tasks={load.tasks} runs={self.runs} samples={samples} "
            f"variants={':'.join(variant.words() for variant in variants)}", log, machine)
        result = booting.run(guest, TIMEOUT, on_line)
        if result.lost or result.splats:
            suite.say(f"  {kernel.release} {load}: {'LOST' if result.lost else result.splats[0]}, "
                      f"see {result.console}")
        return not (result.lost or result.splats or result.faults)


def plan(choice: Choice, results: Results) -> Iterator[Boot]:
    """Guests for what is missing."""
    variants = choice.all_variants()
    for load in choice.all_loads():
        for kernel in dict.fromkeys(variant.kernel for variant in variants):
            missing = {variant: choice.runs - len(results.of(variant.name, load))
                       for variant in variants
                       if variant.kernel == kernel and variant.measures(load)}
            left = max(missing.values(), default=0)
            while left > 0:
                runs = min(left, RUNS_PER_BOOT)
                yield Boot(kernel, load, [v for v in missing if missing[v] >= left], runs,
                           choice.threaded)
                left -= runs


def show(choice: Choice, results: Results) -> None:
    """And record it, if it is to be recorded."""
    if choice.threaded:
        suite.say(markdown(report.RECORD.heads, report.rows(results)))
        return
    report.record(results)
    goals.record()
    charts.draw(results, TOP / "docs" / "charts")
    for table in (*report.TABLES, goals.GOALS):
        suite.say(table.markdown())


def prepare(kernels: Iterable[Kernel]) -> Path:
    """Returns the guest's initramfs."""
    for kernel in kernels:
        suite.say(f"preparing {kernel.release} in {CACHE}")
        kernel.prepare()
    return building.build(dataclasses.replace(MAIN, name="bench"), LINUX_6_18.directory,
                          programs=PROGRAMS)


def bench(choice: Choice) -> bool:
    """Returns whether something failed."""
    results = Results(CACHE / ("recover-threaded" if choice.threaded else "recover"))
    boots = list(plan(choice, results))
    install(("tree", "guest", "plot", "programs"))
    failed = 0
    if boots:
        initrd = prepare(dict.fromkeys(boot.kernel for boot in boots))
        suite.say(f"{len(boots)} guests to boot, {suite.JOBS} at a time")

        def one(number: int) -> bool:
            ok = boots[number].measure(results, initrd)
            suite.say(f"{number + 1} of {len(boots)}")
            return ok

        with concurrent.futures.ThreadPoolExecutor(suite.JOBS) as pool:
            failed = list(pool.map(one, range(len(boots)))).count(False)
    show(choice, results)
    if failed:
        suite.say(f"{failed} guests have failed")
    return bool(failed)
