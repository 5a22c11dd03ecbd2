# SPDX-License-Identifier: GPL-2.0-only
"""The bench's tables: what was measured, and which goals are met."""
import os
import statistics

from bench_results import Load
from kernels import TESTS
from table import RESULTS, Table

STOCK, MODULE, NATIVE = "stock 6.18.15", "module", "native 6.19.14"
# a tick of Debian's kernels, in ms
TICK_MS = 4
# the goals are for this machine
CPUS, TASKS = 32, 30
# what a disable may take, in times of the idle machine: median, worst
TIMES_IDLE = (1.5, 2.5)
GROWTH, FEW, MANY = 2, 25, 200
LOOKS_RATIO, PICK_RATIO = 10, 4
SWITCH_PERCENT = 1

RECORD = Table(os.path.join(TESTS, "bench.tsv"), "make bench",
               ("load", "CPUs", "tasks per CPU", "arm", "runs", "disabled after ms, median",
                "worst", "of it in bypass ms, median", "worst", "longest wait ms, median",
                "worst", "heartbeat gap ms, worst",
                "longest pick us, worst", "tasks looked at per pick", "tasks moved, median",
                "balanced after ms, worst", "longest lock hold us, worst"),
               keys=4, page=RESULTS)
GOALS = Table(os.path.join(TESTS, "goals.tsv"), "make bench",
              ("goal", "measured", "met"), keys=1, page=RESULTS)


def values(runs, figure, unit=1000):
    return [run[figure] / unit for run in runs if figure in run]


def median(runs, figure, unit=1000):
    return statistics.median(values(runs, figure, unit) or [0])


def worst(runs, figure, unit=1000):
    return max(values(runs, figure, unit), default=0)


def short(number):
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"


def brief(load, figures):
    """A run in a few words, to be shown as it comes."""
    if load.workload == "switch":
        return f"{figures['switch_ps'] / 1000:8.1f} instructions a switch"
    return f"{figures['total_us'] / 1000:8.1f} ms"


def looks_per_pick(runs):
    """With the picked task itself; None if it was not counted."""
    picks = sum(values(runs, "picks", 1))
    return 1 + sum(values(runs, "looks", 1)) / picks if picks else None


def shown(number):
    return short(number) if number else "-"


def row(arm, load, runs):
    return (load.name, load.cpus, load.tasks_per_cpu, arm, len(runs),
            short(median(runs, "total_us")), short(worst(runs, "total_us")),
            short(median(runs, "bypass_us")), short(worst(runs, "bypass_us")),
            short(median(runs, "wait_us")), short(worst(runs, "wait_us")),
            short(worst(runs, "heartbeat_us")),
            # counting what is looked at takes time
            "-" if load.workload == "looks" else shown(worst(runs, "pick_us", 1)),
            shown(looks_per_pick(runs)), shown(median(runs, "moved", 1)),
            shown(worst(runs, "balanced_us")), shown(worst(runs, "hold_us", 1)))


def rows(results):
    for (arm, load), runs in sorted(results.runs.items(), key=lambda one: str(one[0])):
        if load.workload not in ("switch", "queues"):
            yield row(arm, load, runs)


def goal(text, measured, met):
    return (text, measured, "yes" if met else "no")


def disable_goals(results):
    for idle_arm in (STOCK, MODULE):
        idle = results.of(idle_arm, Load("skew", CPUS, 0))
        for workload in ("fork", "skew"):
            runs = results.of(MODULE, Load(workload, CPUS, TASKS))
            if not idle or not runs:
                continue
            floor = median(idle, "total_us")
            times = median(runs, "total_us") / floor, worst(runs, "total_us") / floor
            yield goal(f"{workload}: disabled after at most {TIMES_IDLE[0]} (median) and "
                       f"{TIMES_IDLE[1]} (worst) times what the idle machine takes, {idle_arm}",
                       f"{short(times[0])}, {short(times[1])} times {short(floor)} ms "
                       f"in {len(runs)} runs",
                       times[0] <= TIMES_IDLE[0] and times[1] <= TIMES_IDLE[1])


def growth(results, arm, workload, cpus):
    """How many times as long a disable takes with many tasks, and how long with few, in ms."""
    few, many = [results.of(arm, Load(workload, cpus, tasks)) for tasks in (FEW, MANY)]
    if not few or not many:
        return None
    return median(many, "total_us") / median(few, "total_us"), median(few, "total_us")


def growth_goals(results):
    for cpus in sorted({load.cpus for _, load in results.runs}):
        for workload in ("fork", "skew"):
            module, stock = [growth(results, arm, workload, cpus) for arm in (MODULE, STOCK)]
            if module and stock:
                yield goal(f"{workload}, {cpus} CPUs: from {FEW} to {MANY} tasks per CPU it grows "
                           f"at most {GROWTH} times",
                           f"{short(module[0])} times, from {short(module[1])} ms; {STOCK}: "
                           f"{short(stock[0])} times, from {short(stock[1])} ms",
                           module[0] <= GROWTH)


def pinned_goals(results):
    looks = [results.of(arm, Load("looks", CPUS, TASKS)) for arm in (STOCK, MODULE)]
    if all(looks):
        stock, module = map(looks_per_pick, looks)
        yield goal(f"pinned: tasks looked at per pick at most 1/{LOOKS_RATIO} of stock's",
                   f"{short(module)}, stock {short(stock)}", module * LOOKS_RATIO <= stock)
    picks = [results.of(arm, Load("pinned", CPUS, TASKS)) for arm in (STOCK, MODULE)]
    if all(picks):
        stock, module = [worst(runs, "pick_us", 1) for runs in picks]
        yield goal("pinned: the longest pick, with interrupts off, at most "
                   f"1/{PICK_RATIO} of stock's", f"{short(module)} us, stock {short(stock)} us",
                   module * PICK_RATIO <= stock)


def balance_goals(results):
    runs = results.of(MODULE, Load("skew", CPUS, TASKS))
    if runs:
        # a bypass that is over has nothing left to balance
        late = [run for run in runs
                if (run["balanced_us"] or run["bypass_us"]) > TICK_MS * 1000]
        yield goal("skew: each CPU within 125 % of the mean within a tick of entering bypass, "
                   "or bypass is over", f"in {len(runs) - len(late)} of {len(runs)} runs; "
                   f"balanced after {short(worst(runs, 'balanced_us'))} ms at worst", not late)


def wait_goals(results):
    for workload in ("fork", "skew", "pinned", "wake", "mixed"):
        both = [results.of(arm, Load(workload, CPUS, TASKS)) for arm in (NATIVE, MODULE)]
        if all(both):
            native, module = [worst(runs, "wait_us") for runs in both]
            yield goal(f"{workload}: the longest wait in bypass not above native's",
                       f"{short(module)} ms, native {short(native)} ms", module <= native)


def switch_goals(results):
    for (arm, load), runs in sorted(results.runs.items(), key=lambda one: str(one[0])):
        stock = results.of(STOCK, load)
        if load.workload != "switch" or not arm.startswith("module") or not stock:
            continue
        with_it, without = [median(runs, name) / median(stock, name) * 100 - 100
                            for name in ("switch_ps", "switch_without_ps")]
        yield goal(f"not in bypass, {arm}: at most {SWITCH_PERCENT} % more instructions per context "
                   "switch", f"{with_it:+.2f} % of {short(median(stock, 'switch_ps'))}, "
                   f"without a scheduler {without:+.2f} %", with_it <= SWITCH_PERCENT)


def record(results):
    """Renew what was measured in the tables, and show them in RESULTS.md."""
    RECORD.renew(rows(results))
    GOALS.renew(line for goals in (disable_goals, growth_goals, pinned_goals, balance_goals,
                                     wait_goals, switch_goals) for line in goals(results))
