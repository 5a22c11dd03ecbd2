# SPDX-License-Identifier: GPL-2.0-only
"""The bench's tables: what was measured."""
import os
import statistics

from lab.kernels import TESTS
from lab.table import RESULTS, Table

STOCK, MODULE, NATIVE = "stock 6.18.15", "module", "native 6.19.14"

# a name for the goals, and the head in the table
KEYS = {"load": "load", "cpus": "CPUs", "tasks": "tasks per CPU", "variant": "variant"}
TIMES = {
    **KEYS, "runs": "runs",
    "reached": "disabled (enabled) after ms, median", "reached_worst": "worst",
    "even_best": "even after ms, best", "even": "median", "even_worst": "worst",
    "ran": "each task has run after ms, median", "ran_worst": "worst",
    "recovered": "recovered after ms, median", "recovered_worst": "worst",
    "wait": "longest wait ms, median", "wait_worst": "worst",
    "wait50": "a task's longest wait ms, median", "wait99": "99 %",
    "walk": "queueing all tasks again ms",
}
GAPS = {
    **KEYS, "runs": "runs",
    "probe": "worst gap ms: sleeper", "fifo1": "FIFO 1", "fifo50": "FIFO 50",
    "lone": "alone on a CPU",
}
COSTS = {
    "variant": "variant", "cpus": "CPUs", "runs": "runs",
    "switch": "instructions per context switch under a scheduler",
    "switch_without": "without one",
}


def table(name, columns, keys):
    return Table(os.path.join(TESTS, "records", name), "make bench", tuple(columns.values()), keys=keys,
                 page=RESULTS)


RECORD, GAP_RECORD = table("bench.tsv", TIMES, 4), table("gaps.tsv", GAPS, 4)
COST_RECORD = table("cost.tsv", COSTS, 2)
TABLES = (RECORD, GAP_RECORD, COST_RECORD)


def values(runs, figure, unit=1000):
    return [run[figure] / unit for run in runs if figure in run]


def median(runs, figure, unit=1000):
    return statistics.median(values(runs, figure, unit) or [0])


def short(number):
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"


def shown(numbers, choose):
    """One of the numbers, or that there are none."""
    return short(choose(numbers)) if numbers else "-"


def brief(load, figures):
    """A run in a few words, to be shown as it comes."""
    if load.workload == "cost":
        return f"{figures['switch_ps'] / 1000:8.1f} instructions a switch"
    return "  ".join(f"{name} {figures[name + '_us'] / 1000:.1f}"
                     for name in ("reached", "even", "ran", "recovered", "wait")
                     if name + "_us" in figures) + " ms"


def time_row(load, variant, runs):
    def both(name):
        times = values(runs, name + "_us")
        return shown(times, statistics.median), shown(times, max)

    return (load.name, load.cpus, load.tasks_per_cpu, variant, len(runs), *both("reached"),
            shown(values(runs, "even_us"), min), *both("even"), *both("ran"),
            *both("recovered"), *both("wait"), both("wait50")[0], both("wait99")[0],
            both("walk")[0])


def gap_row(load, variant, runs):
    return (load.name, load.cpus, load.tasks_per_cpu, variant, len(runs),
            *(shown(values(runs, name + "_us"), max)
              for name in ("probe", "fifo1", "fifo50", "lone")))


def cost_row(load, variant, runs):
    return (variant, load.cpus, len(runs),
            *(f"{median(runs, name):.1f}" for name in ("switch_ps", "switch_without_ps")))


def rows(results, make=time_row):
    """Of a table, by the function that makes one."""
    for (variant, load), runs in sorted(results.runs.items(), key=lambda one: str(one[0])):
        if (load.workload == "cost") == (make == cost_row):
            yield make(load, variant, runs)


def record(results):
    """Renew what was measured in the tables, and show them in RESULTS.md."""
    RECORD.renew(rows(results))
    GAP_RECORD.renew(rows(results, gap_row))
    COST_RECORD.renew(rows(results, cost_row))


def recorded(record_table, columns):
    """{keys: {column: number}} of a table's rows, by which the goals are judged."""
    def number(cell):
        try:
            return float(cell)
        except ValueError:
            return None

    return {row[:record_table.keys]: {name: number(cell) for name, cell in zip(columns, row)}
            for row in record_table.rows()}
