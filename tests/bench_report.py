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

# a name for the goals, and the head in the table
COLUMNS = {
    "load": "load", "cpus": "CPUs", "tasks": "tasks per CPU", "arm": "arm", "runs": "runs",
    "total": "disabled after ms, median", "total_worst": "worst",
    "bypass": "of it in bypass ms, median", "bypass_worst": "worst",
    "wait": "longest wait ms, median", "wait_worst": "worst",
    "heartbeat_worst": "heartbeat gap ms, worst", "pick_worst": "longest pick us, worst",
    "looks": "tasks looked at per pick", "moved": "tasks moved, median",
    "balanced_worst": "balanced after ms, worst", "hold_worst": "longest lock hold us, worst",
}
RECORD = Table(os.path.join(TESTS, "bench.tsv"), "make bench", tuple(COLUMNS.values()),
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


class Recorded:
    """The figures of the table, by which the goals are judged."""

    def __init__(self):
        self.rows = {row[:4]: dict(zip(COLUMNS, row)) for row in RECORD.rows()}

    def of(self, arm, workload, cpus=CPUS, tasks=TASKS):
        """{column: number} of a row, or None."""
        row = self.rows.get((workload, str(cpus), str(tasks), arm))
        return row and {name: 0 if cell == "-" else float(cell)
                        for name, cell in row.items() if name not in ("load", "arm")}


def goal(text, measured, met):
    return (text, measured, "yes" if met else "no")


def disable_goals(recorded):
    for idle_arm in (STOCK, MODULE):
        idle = recorded.of(idle_arm, "idle", tasks=0)
        for workload in ("fork", "skew"):
            busy = recorded.of(MODULE, workload)
            if not idle or not busy:
                continue
            floor = idle["total"]
            times = busy["total"] / floor, busy["total_worst"] / floor
            yield goal(f"{workload}: disabled after at most {TIMES_IDLE[0]} (median) and "
                       f"{TIMES_IDLE[1]} (worst) times what the idle machine takes, {idle_arm}",
                       f"{short(times[0])}, {short(times[1])} times {short(floor)} ms "
                       f"in {busy['runs']:.0f} runs",
                       times[0] <= TIMES_IDLE[0] and times[1] <= TIMES_IDLE[1])


def growth(recorded, arm, workload, cpus):
    """How many times as long a disable takes with many tasks, and how long with few, in ms."""
    few, many = [recorded.of(arm, workload, cpus, tasks) for tasks in (FEW, MANY)]
    if not few or not many:
        return None
    return many["total"] / few["total"], few["total"]


def growth_goals(recorded):
    for cpus in {row["cpus"] for row in recorded.rows.values()}:
        for workload in ("fork", "skew"):
            module, stock = [growth(recorded, arm, workload, cpus) for arm in (MODULE, STOCK)]
            if module and stock:
                yield goal(f"{workload}, {cpus} CPUs: from {FEW} to {MANY} tasks per CPU it grows "
                           f"at most {GROWTH} times",
                           f"{short(module[0])} times, from {short(module[1])} ms; {STOCK}: "
                           f"{short(stock[0])} times, from {short(stock[1])} ms",
                           module[0] <= GROWTH)


def pinned_goals(recorded):
    stock, module = [recorded.of(arm, "looks") for arm in (STOCK, MODULE)]
    if stock and module:
        yield goal(f"pinned: tasks looked at per pick at most 1/{LOOKS_RATIO} of stock's",
                   f"{short(module['looks'])}, stock {short(stock['looks'])}",
                   module["looks"] * LOOKS_RATIO <= stock["looks"])
    stock, module = [recorded.of(arm, "pinned") for arm in (STOCK, MODULE)]
    if stock and module:
        stock, module = stock["pick_worst"], module["pick_worst"]
        yield goal("pinned: the longest pick, with interrupts off, at most "
                   f"1/{PICK_RATIO} of stock's", f"{short(module)} us, stock {short(stock)} us",
                   module * PICK_RATIO <= stock)


def wait_goals(recorded):
    for workload in ("fork", "skew", "pinned", "wake", "mixed"):
        native, module = [recorded.of(arm, workload) for arm in (NATIVE, MODULE)]
        if native and module:
            native, module = native["wait_worst"], module["wait_worst"]
            yield goal(f"{workload}: the longest wait in bypass not above native's",
                       f"{short(module)} ms, native {short(native)} ms", module <= native)


def balance_goals(results):
    runs = results.of(MODULE, Load("skew", CPUS, TASKS))
    if runs:
        # a bypass that is over has nothing left to balance
        late = [run for run in runs
                if (run["balanced_us"] or run["bypass_us"]) > TICK_MS * 1000]
        yield goal("skew: each CPU within 125 % of the mean within a tick of entering bypass, "
                   "or bypass is over", f"in {len(runs) - len(late)} of {len(runs)} runs; "
                   f"balanced after {short(worst(runs, 'balanced_us'))} ms at worst", not late)


def switch_goals(results):
    for (arm, load), runs in results.runs.items():
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
    recorded = Recorded()
    GOALS.renew([line for goals in (disable_goals, growth_goals, pinned_goals, wait_goals)
                 for line in goals(recorded)] +
                [line for goals in (balance_goals, switch_goals) for line in goals(results)])
