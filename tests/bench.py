# SPDX-License-Identifier: GPL-2.0-only
"""Measure how a scheduler is thrown out of a busy machine: this module beside stock kernels.

Guest time is the number of instructions that all CPUs have executed (1 ns each), so
that the figures do not depend on the host. What has been measured is kept in
CACHE/bench, and an interrupted bench goes on.
"""
import concurrent.futures
import dataclasses
import json
import os
import statistics

import build
import suite
import vm
from kernels import CACHE, LINUX_6_18, LINUX_6_19, LINUX_7_3, MAIN, TESTS, Kernel
from table import Table

# of a guest, in seconds of the host
TIMEOUT = 7200
# runs of each arm in one boot: a guest that is lost costs no more than these
RUNS_PER_BOOT = 10


@dataclasses.dataclass(frozen=True)
class Arm:
    """What is compared. params: the module's; without them it is not loaded."""
    name: str
    kernel: Kernel
    params: str = None

    def words(self):
        """As the guest wants it, see tests/guest/case_bench.c."""
        return "stock" if self.params is None else vm.param_list(f"module {self.params}".strip())


MEANS = "readers_first=1 kthreads_first=1 expedite_rcu=1 quiet_ms=30"
STOCK = Arm("stock 6.18.15", LINUX_6_18)
# Those of one kernel are measured in turn in the same guest.
ARMS = (
    STOCK,
    Arm("module, interval 0", LINUX_6_18, "bypass_lb_intv_us=0"),
    Arm("module", LINUX_6_18, ""),
    Arm("module, all means", LINUX_6_18, MEANS),
    Arm("native 6.19.14", LINUX_6_19),
    Arm("native 7.3.4", LINUX_7_3),
)
KERNELS = tuple(dict.fromkeys(arm.kernel for arm in ARMS))


@dataclasses.dataclass(frozen=True)
class Load:
    workload: str
    cpus: int
    tasks_per_cpu: int

    @property
    def tasks(self):
        return max(1, self.cpus * self.tasks_per_cpu)


RECORD = Table(os.path.join(TESTS, "bench.tsv"), "make bench",
               ("load", "CPUs", "tasks per CPU", "arm", "runs", "disabled after ms, median",
                "worst", "times the idle machine, median", "worst", "longest wait ms, median",
                "worst"), keys=4)


def loads(cpus, tasks_per_cpu):
    """The idle machine has one task."""
    idle = [Load("skew", n, 0) for n in cpus]
    return idle + [Load(workload, n, tasks) for n in cpus for workload in ("fork", "skew")
                   for tasks in tasks_per_cpu]


def numbers(name, default):
    """Numbers from the environment."""
    words = os.environ.get(name, default).split()
    if not words or not all(word.isdecimal() and int(word) for word in words):
        raise SystemExit(f"{name} must be numbers above 0")
    return [int(word) for word in words]


class Results:
    """What has been measured, a line of JSON for each run."""

    def __init__(self, path):
        self.path, self.runs = path, {}
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                for line in f:
                    run = json.loads(line)
                    self.of(run["arm"], Load(*run["load"])).append(run["figures"])

    def of(self, arm, load):
        return self.runs.setdefault((arm, load), [])

    def add(self, arm, load, figures):
        self.of(arm, load).append(figures)
        with open(self.path, "a", encoding="utf-8") as f:
            f.write(json.dumps({"arm": arm, "load": dataclasses.astuple(load),
                                "figures": figures}) + "\n")


def measure(kernel, load, runs, results, initrd):
    """Boot once, for so many runs of each of the kernel's arms."""
    arms = [arm for arm in ARMS if arm.kernel == kernel]
    machine = vm.Machine(cpus=load.cpus, threads=1, counted=True,
                         gigabytes=2 + load.tasks // 1000)
    log = os.path.join(CACHE, "logs", "bench",
                       f"{kernel.release}-{load.workload}-{load.cpus}-{load.tasks}")
    os.makedirs(os.path.dirname(log), exist_ok=True)

    def on_line(kind, text):
        words = text.split()
        if kind == "info" and words[0] == "run":
            figures = {name: int(value) for name, value in zip(words[1::2], words[2::2])}
            arm = arms[figures.pop("arm")]
            results.add(arm.name, load, figures)
            suite.say(f"  {load.workload:5} {load.cpus:4} CPUs {load.tasks:6} tasks  "
                      f"{arm.name:24} {figures['total_us'] / 1000:8.1f} ms")
        elif kind == "fail":
            suite.say(f"  {kernel.release}: FAILED: {text}")

    guest = vm.run(os.path.join(kernel.directory, "vmlinuz"), initrd,
                   f"{kernel.append} case=bench workload={load.workload} "
                   f"tasks={load.tasks} runs={runs} arms={':'.join(arm.words() for arm in arms)}",
                   log, TIMEOUT, on_line, None, machine)
    if guest.lost or guest.splats:
        suite.say(f"  {kernel.release} {load}: {'LOST' if guest.lost else guest.splats[0]}, "
                  f"see {guest.console}")
    return not (guest.lost or guest.splats or guest.of_kind("fail"))


def plan(results, wanted, todo):
    """(kernel, load, runs) for what is missing."""
    for load in todo:
        for kernel in KERNELS:
            missing = max(wanted - len(results.of(arm.name, load))
                          for arm in ARMS if arm.kernel == kernel)
            while missing > 0:
                yield kernel, load, min(missing, RUNS_PER_BOOT)
                missing -= RUNS_PER_BOOT


def milliseconds(runs, figure):
    values = [run[figure] / 1000 for run in runs]
    return statistics.median(values), max(values)


def rows(results):
    """The table: each load and arm, and its ratio to stock's idle machine."""
    for (arm, load), runs in results.runs.items():
        idle = results.of(STOCK.name, Load("skew", load.cpus, 0))
        if not runs or not idle:
            continue
        floor = milliseconds(idle, "total_us")[0]
        median, worst = milliseconds(runs, "total_us")
        waits = milliseconds(runs, "wait_us")
        yield (load.workload if load.tasks_per_cpu else "idle", load.cpus,
               load.tasks_per_cpu, arm, len(runs), f"{median:.0f}", f"{worst:.0f}",
               f"{median / floor:.1f}", f"{worst / floor:.1f}",
               f"{waits[0]:.0f}", f"{waits[1]:.0f}")


def bench():
    """Returns whether something failed."""
    runs = numbers("RUNS", "10")[0]
    cpus, tasks_per_cpu = numbers("CPUS", "32"), numbers("TASKS", "30")
    for kernel in KERNELS:
        suite.say(f"preparing {kernel.release} in {CACHE}")
        kernel.prepare()
    initrd = build.build(dataclasses.replace(MAIN, name="bench", extra=()), LINUX_6_18.directory)
    results = Results(os.path.join(CACHE, "bench", "runs.jsonl"))
    jobs = list(plan(results, runs, loads(cpus, tasks_per_cpu)))
    suite.say(f"{len(jobs)} guests to boot, {suite.JOBS} at a time")

    def one(number):
        ok = measure(*jobs[number], results, initrd)
        suite.say(f"{number + 1} of {len(jobs)}")
        return ok

    with concurrent.futures.ThreadPoolExecutor(suite.JOBS) as pool:
        failed = list(pool.map(one, range(len(jobs)))).count(False)
    RECORD.renew(rows(results))
    suite.say(RECORD.markdown())
    if failed:
        suite.say(f"{failed} guests have failed")
    return bool(failed)
