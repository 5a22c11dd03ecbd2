# SPDX-License-Identifier: GPL-2.0-only
"""Measure how a scheduler is thrown out of a busy machine: this module beside stock kernels.

Guest time is the number of instructions that all CPUs have executed (1 ns each), so
that the figures do not depend on the host. What has been measured is kept in
CACHE/bench, and an interrupted bench goes on.
"""
import concurrent.futures
import dataclasses
import os

import bench_report
import build
import charts
import suite
import vm
from bench_results import Load, Results
from kernels import CACHE, LINUX_6_18, LINUX_6_19, LINUX_7_3, MAIN, TESTS, Kernel, install
from table import markdown

# To see whether it is the same when the guest's CPUs run at the same time, each on a
# thread of the host: by the host's time, so the figures are shown but not recorded.
THREADED = bool(os.environ.get("THREADED"))
# of a guest, in seconds of the host
TIMEOUT = 7200
# runs of each arm in one boot: a guest that is lost costs no more than these
RUNS_PER_BOOT = 10


@dataclasses.dataclass(frozen=True)
class Arm:
    """What is compared. params: the module's; without them it is not loaded.

    loads: only these
    large: on machines larger than the goals' as well
    """
    name: str
    kernel: Kernel
    params: str = None
    loads: tuple = ()
    large: bool = False

    def words(self):
        """As the guest wants it, see tests/guest/case_bench.c."""
        return "stock" if self.params is None else vm.param_list(f"module {self.params}".strip())

    def measures(self, load):
        return ((self.large or load.cpus <= bench_report.CPUS) and
                (not self.loads or load.workload in self.loads))


NO_MEANS = "spread_early=0 readers_first=0 kthreads_first=0 expedite_rcu=0 quiet_ms=0"
ARMS = (
    Arm(bench_report.STOCK, LINUX_6_18, large=True),
    Arm("module, interval 0", LINUX_6_18, f"bypass_lb_intv_us=0 {NO_MEANS}", ("fork", "skew")),
    Arm("module, no means", LINUX_6_18, NO_MEANS, ("fork", "skew", "pinned", "switch")),
    Arm(bench_report.MODULE, LINUX_6_18, "", large=True),
    Arm("module, idle_pull", LINUX_6_18, "idle_pull=1", ("fork", "skew")),
    Arm("module, livepatch", LINUX_6_18, "backend=livepatch", ("switch",)),
    Arm(bench_report.NATIVE, LINUX_6_19, large=True),
    Arm("native 7.3.4", LINUX_7_3, None, ("fork", "skew", "pinned", "wake", "mixed")),
)
KERNELS = tuple(dict.fromkeys(arm.kernel for arm in ARMS))
# what is measured for each number of tasks for each CPU, and what once
LOADS = ("fork", "skew", "pinned", "looks", "wake", "mixed")
ONCE = ("idle", "switch", "queues")


def loads(cpus, tasks_per_cpu, workloads):
    """The idle machine has one task."""
    for n in cpus:
        if "idle" in workloads:
            yield Load("skew", n, 0)
        for workload in ("switch", "queues"):
            if workload in workloads:
                yield Load(workload, n, tasks_per_cpu[0])
        for workload in LOADS:
            if workload in workloads:
                yield from (Load(workload, n, tasks) for tasks in tasks_per_cpu)


def numbers(name, default):
    """Numbers from the environment."""
    words = (os.environ.get(name) or default).split()
    if not all(word.isdecimal() and int(word) for word in words):
        raise SystemExit(f"{name} must be numbers above 0")
    return [int(word) for word in words]


def wanted_loads():
    words = os.environ.get("LOADS", "").split() or [*ONCE, *LOADS]
    unknown = [word for word in words if word not in ONCE + LOADS]
    if unknown:
        raise SystemExit(f"no such load: {' '.join(unknown)}; there are {' '.join(ONCE + LOADS)}")
    return words


def arms_for(kernel, load):
    return [arm for arm in ARMS if arm.kernel == kernel and arm.measures(load)]


def measure(kernel, load, arms, runs, results, initrd):
    """Boot once, for so many runs of each of these arms."""
    machine = vm.Machine(cpus=load.cpus, threads=1, counted=not THREADED,
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
            suite.say(f"  {load.workload:6} {load.cpus:4} CPUs {load.tasks:6} tasks  "
                      f"{arm.name:20} {bench_report.brief(load, figures)}")
        elif kind == "info" and words[0] == "queues":
            results.add_sample(arms[int(words[1])].name, load, [int(word) for word in words[2:]])
        elif kind == "fail":
            suite.say(f"  {kernel.release}: FAILED: {text}")

    guest = vm.run(os.path.join(kernel.directory, "vmlinuz"), initrd,
                   f"{kernel.append} cpu_init_udelay=0 case=bench workload={load.workload} "
                   f"tasks={load.tasks} runs={runs} arms={':'.join(arm.words() for arm in arms)}",
                   log, TIMEOUT, on_line, None, machine)
    if guest.lost or guest.splats:
        suite.say(f"  {kernel.release} {load}: {'LOST' if guest.lost else guest.splats[0]}, "
                  f"see {guest.console}")
    return not (guest.lost or guest.splats or guest.of_kind("fail"))


def plan(results, wanted, todo):
    """(kernel, load, arms, runs) for what is missing. Samples are taken once."""
    for load in todo:
        for kernel in KERNELS:
            missing = {arm: (1 if load.workload == "queues" else wanted) -
                       len(results.of(arm.name, load)) for arm in arms_for(kernel, load)}
            arms = [arm for arm, runs in missing.items() if runs > 0]
            left = max(missing.values(), default=0)
            while left > 0:
                yield kernel, load, arms, min(left, RUNS_PER_BOOT)
                left -= RUNS_PER_BOOT


def bench():
    """Returns whether something failed."""
    runs = numbers("RUNS", "10")[0]
    cpus, tasks_per_cpu = numbers("CPUS", "32"), numbers("TASKS", "30")
    todo = list(loads(cpus, tasks_per_cpu, wanted_loads()))
    install(("tree", "guest", "plot"))
    for kernel in KERNELS:
        suite.say(f"preparing {kernel.release} in {CACHE}")
        kernel.prepare()
    initrd = build.build(dataclasses.replace(MAIN, name="bench", extra=()), LINUX_6_18.directory)
    results = Results(os.path.join(CACHE, "bench-threaded" if THREADED else "bench"))
    jobs = list(plan(results, runs, todo))
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
        charts.draw(results, os.path.join(TESTS, "charts"))
        suite.say(bench_report.RECORD.markdown())
        suite.say(bench_report.GOALS.markdown())
    if failed:
        suite.say(f"{failed} guests have failed")
    return bool(failed)
