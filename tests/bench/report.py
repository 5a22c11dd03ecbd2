# SPDX-License-Identifier: GPL-2.0-only
"""The bench's tables: what was measured."""
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence

from bench.results import Load, Results
from lab import table as tables
from lab.table import FIGURES, RESULTS, Row, Table, markdown, marker

# of a run, by its names
Figures = Mapping[str, int]

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


def table(name: str, columns: Mapping[str, str], keys: int) -> Table:
    return Table(name, "make bench", tuple(columns.values()), keys=keys, page=FIGURES)


RECORD, GAP_RECORD = table("bench.tsv", TIMES, 4), table("gaps.tsv", GAPS, 4)
COST_RECORD = table("cost.tsv", COSTS, 2)
TABLES = (RECORD, GAP_RECORD, COST_RECORD)

# the small table
SUMMARY = {"reached": "disabled", "recovered": "recovered", "wait": "longest wait"}
SIDE_BY_SIDE = (STOCK, NATIVE, MODULE)
NOT_IN_SUMMARY = ("idle",)
SUMMARY_BEGIN = marker("make bench", "summary")


def values(runs: Sequence[Figures], figure: str, unit: int = 1000) -> list[float]:
    return [run[figure] / unit for run in runs if figure in run]


def median(runs: Sequence[Figures], figure: str, unit: int = 1000) -> float:
    return statistics.median(values(runs, figure, unit) or [0])


def short(number: float) -> str:
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"


def shown(numbers: Sequence[float], choose: Callable[[Sequence[float]], float]) -> str:
    """One of the numbers, or that there are none."""
    return short(choose(numbers)) if numbers else "-"


def brief(load: Load, figures: Figures) -> str:
    """A run in a few words, to be shown as it comes."""
    if load.workload == "cost":
        return f"{figures['switch_ps'] / 1000:8.1f} instructions a switch"
    return "  ".join(f"{name} {figures[name + '_us'] / 1000:.1f}"
                     for name in ("reached", "even", "ran", "recovered", "wait")
                     if name + "_us" in figures) + " ms"


def time_row(load: Load, variant: str, runs: Sequence[Figures]) -> Row:
    def both(name: str) -> tuple[str, str]:
        times = values(runs, name + "_us")
        return shown(times, statistics.median), shown(times, max)

    return (load.name, load.cpus, load.tasks_per_cpu, variant, len(runs), *both("reached"),
            shown(values(runs, "even_us"), min), *both("even"), *both("ran"),
            *both("recovered"), *both("wait"), both("wait50")[0], both("wait99")[0],
            both("walk")[0])


def gap_row(load: Load, variant: str, runs: Sequence[Figures]) -> Row:
    return (load.name, load.cpus, load.tasks_per_cpu, variant, len(runs),
            *(shown(values(runs, name + "_us"), max)
              for name in ("probe", "fifo1", "fifo50", "lone")))


def cost_row(load: Load, variant: str, runs: Sequence[Figures]) -> Row:
    return (variant, load.cpus, len(runs),
            *(f"{median(runs, name):.1f}" for name in ("switch_ps", "switch_without_ps")))


def rows(results: Results,
         make: Callable[[Load, str, Sequence[Figures]], Row] = time_row) -> Iterator[Row]:
    """Of a table, by the function that makes one."""
    for (variant, load), runs in sorted(results.runs.items(), key=lambda one: str(one[0])):
        if (load.workload == "cost") == (make == cost_row):
            yield make(load, variant, runs)


def record(results: Results) -> None:
    """Renew what was measured in the tables, and show them in docs."""
    RECORD.renew(rows(results))
    GAP_RECORD.renew(rows(results, gap_row))
    COST_RECORD.renew(rows(results, cost_row))
    show_summary()


def recorded(record_table: Table, columns: Mapping[str, str]) \
        -> dict[tuple[str, ...], dict[str, float]]:
    """{keys: {column: number}} of a table's rows, by which the goals are judged. A cell without
    a number is not there."""
    found: dict[tuple[str, ...], dict[str, float]] = {}
    for row in record_table.rows():
        numbers = found[row[:record_table.keys]] = {}
        for name, cell in zip(columns, row):
            try:
                numbers[name] = float(cell)
            except ValueError:
                pass
    return found


def summary() -> str:
    """A few of the figures, variants side by side: medians, and the smallest number of runs."""
    figures = recorded(RECORD, TIMES)
    lines: list[Row] = []
    for place in dict.fromkeys(key[:3] for key in figures):
        of = [figures.get((*place, variant), {}) for variant in SIDE_BY_SIDE]
        if of[0] and of[-1] and place[0] not in NOT_IN_SUMMARY:
            lines.append((*place, int(min(one["runs"] for one in of if one)),
                          *(short(one[name]) if name in one else "-"
                            for name in SUMMARY for one in of)))
    heads = [f"{what}: {variant}" if variant == SIDE_BY_SIDE[0] else variant
             for what in SUMMARY.values() for variant in SIDE_BY_SIDE]
    return markdown(("load", "CPUs", "tasks per CPU", "runs", *heads), lines)


def show_summary() -> None:
    tables.show(SUMMARY_BEGIN, summary(), RESULTS)


def summary_is_shown() -> bool:
    return tables.shown(SUMMARY_BEGIN, RESULTS) == summary()
