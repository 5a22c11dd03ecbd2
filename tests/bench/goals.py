# SPDX-License-Identifier: GPL-2.0-only
"""Which goals are met, by the figures in the bench's tables."""
from collections.abc import Collection, Iterator, Mapping

from bench.report import (COST_RECORD, COSTS, GAP_RECORD, GAPS, MODULE, NATIVE, RECORD, STOCK,
                          TIMES, recorded, short)
from lab import table as tables
from lab.table import FIGURES, RESULTS, Table, marker

Goal = tuple[str, str, str]
# load, CPUs, tasks per CPU, as the tables have them
Place = tuple[str, ...]
Numbers = dict[str, float]

GOALS = Table("goals.tsv", "make bench", ("goal", "measured", "met"),
              keys=1, page=FIGURES)

# those that are not met, on the page of the summary
NOT_MET_BEGIN = marker("make bench", "goals that are not met")

# so many times sooner than in these
GAIN = {STOCK: 10, NATIVE: 5}
DISABLED_GAIN, DISABLED_SPREAD = 8, 3
# ms: the fair class lets a task run until the first tick after its slice of 2.8 ms
SLICE_MS = 4
SLICES = 2
# of a worst case of ten runs or so, which is 1 ms and some tenths in an idle kernel
NOISE, NOISE_MS = 1.25, 0.5
# what has come by then was so before the trigger
AT_ONCE_MS = 1
COST_PERCENT = 1
FEW, MANY = 25, 200
LARGE, LARGE_SPREAD = 192, 3
# nothing crowds the idle machine; the last two are judged for themselves
NOT_CROWDED, COMING = ("idle",), ("switch", "enable")


def goal(text: str, measured: str, met: bool) -> Goal:
    return (text, measured, "yes" if met else "no")


class Figures:
    """The rows of a table side by side."""

    def __init__(self, table: Table, columns: Mapping[str, str]) -> None:
        self.rows = recorded(table, columns)

    def of(self, place: Place, variant: str) -> Numbers | None:
        return self.rows.get((*place, variant))

    def module(self, place: Place) -> Numbers:
        """For one of places()."""
        return self.rows[(*place, MODULE)]

    def places(self, without: Collection[str] = ()) -> list[Place]:
        """Where the module was measured."""
        return sorted({key[:3] for key in self.rows if key[3] == MODULE and key[0] not in without},
                      key=lambda place: (place[0], int(place[1]), int(place[2])))


def at(place: Place) -> str:
    return f"{place[0]}, {place[1]} CPUs, {place[2]} tasks each"


def sooner(figures: Figures, place: Place, name: str, what: str) -> Iterator[Goal]:
    """The module's median against the others', by GAIN."""
    module = figures.module(place)
    for variant, gain in GAIN.items():
        other = figures.of(place, variant)
        if not other:
            continue
        measured = f"{short(module[name])} ms, {variant} {short(other[name])} ms"
        if other[name] <= AT_ONCE_MS:
            yield goal(f"{at(place)}: {what} at once as in {variant}", measured,
                       module[name] <= AT_ONCE_MS)
        else:
            yield goal(f"{at(place)}: {what}, median at most 1/{gain} of {variant}'s", measured,
                       module[name] * gain <= other[name])


def even_goals(figures: Figures) -> Iterator[Goal]:
    for place in figures.places((*NOT_CROWDED, *COMING)):
        yield from sooner(figures, place, "even", "even")
        module, native = figures.module(place), figures.of(place, NATIVE)
        if native and native["even_best"] > AT_ONCE_MS:
            yield goal(f"{at(place)}: even, worst run below {NATIVE}'s best",
                       f"{short(module['even_worst'])} ms, {short(native['even_best'])} ms",
                       module["even_worst"] < native["even_best"])


def turn_goals(figures: Figures) -> Iterator[Goal]:
    for place in figures.places(NOT_CROWDED):
        module, native = figures.module(place), figures.of(place, NATIVE)
        limit = SLICES * int(place[2]) * SLICE_MS
        for name, what in (("ran", "each task has run again"), ("wait", "the longest wait")):
            pair = f"{short(module[name])}, {short(module[name + '_worst'])} ms"
            if native:
                yield goal(f"{at(place)}: {what}, median and worst not above {NATIVE}'s",
                           f"{pair}, native {short(native[name])}, "
                           f"{short(native[name + '_worst'])} ms",
                           module[name] <= native[name] and
                           module[name + "_worst"] <= native[name + "_worst"])
            yield goal(f"{at(place)}: {what}, at most {SLICES} times {place[2]} slices of "
                       f"{SLICE_MS} ms", pair, module[name + "_worst"] <= limit)


def disabled_goals(figures: Figures) -> Iterator[Goal]:
    for place in figures.places():
        if place[0] not in ("skew", "threads"):
            continue
        module, stock = figures.module(place), figures.of(place, STOCK)
        if stock:
            yield goal(f"{at(place)}: disabled, median at most 1/{DISABLED_GAIN} of stock's",
                       f"{short(module['reached'])} ms, stock {short(stock['reached'])} ms",
                       module["reached"] * DISABLED_GAIN <= stock["reached"])
        yield goal(f"{at(place)}: disabled, worst at most {DISABLED_SPREAD} times its median",
                   f"{short(module['reached_worst'])} ms, median {short(module['reached'])} ms",
                   module["reached_worst"] <= module["reached"] * DISABLED_SPREAD)


def coming_goals(figures: Figures) -> Iterator[Goal]:
    for place in figures.places():
        if place[0] not in COMING:
            continue
        module, stock = figures.module(place), figures.of(place, STOCK)
        if stock:
            yield goal(f"{at(place)}: the scheduler is there, median and worst not above stock's",
                       f"{short(module['reached'])}, {short(module['reached_worst'])} ms, "
                       f"stock {short(stock['reached'])}, {short(stock['reached_worst'])} ms",
                       module["reached"] <= stock["reached"] and
                       module["reached_worst"] <= stock["reached_worst"])
        yield from sooner(figures, place, "recovered", "recovered")


def large_goals(figures: Figures) -> Iterator[Goal]:
    for place in figures.places():
        if int(place[1]) < LARGE:
            continue
        module = figures.module(place)
        for name, what in (("reached", "disabled"), ("recovered", "recovered")):
            yield goal(f"{at(place)}: {what}, no run above {LARGE_SPREAD} times the median",
                       f"{short(module[name + '_worst'])} ms, median {short(module[name])} ms",
                       module[name + "_worst"] <= module[name] * LARGE_SPREAD)


def growth_goals(figures: Figures) -> Iterator[Goal]:
    """Against the time that the stock kernel's own walk over the tasks takes."""
    for place in figures.places():
        many = (*place[:2], str(MANY))
        if place[2] != str(FEW) or not figures.of(many, MODULE):
            continue
        ratios = [figures.module(one)["reached"] / stock["walk"] for one in (place, many)
                  if (stock := figures.of(one, STOCK))]
        if len(ratios) == 2:
            few, more = ratios
            yield goal(f"{place[0]}, {place[1]} CPUs: from {FEW} to {MANY} tasks per CPU disabled "
                       "grows no faster than stock's walk over the tasks",
                       f"{short(few)} and {short(more)} times that walk", more <= few)


def gap_goals(gaps: Figures) -> Iterator[Goal]:
    for place in gaps.places(NOT_CROWDED):
        module, stock = gaps.module(place), gaps.of(place, STOCK)
        for name, what in (("fifo1", "a FIFO-1 task"), ("fifo50", "a FIFO-50 task"),
                           ("lone", "a task alone on its CPU")):
            if stock and name in stock and name in module:
                yield goal(f"{at(place)}: worst gap of {what} as in stock, within noise",
                           f"{short(module[name])} ms, stock {short(stock[name])} ms",
                           module[name] <= stock[name] * NOISE + NOISE_MS)


def cost_goals(costs: Mapping[tuple[str, ...], Numbers]) -> Iterator[Goal]:
    for (variant, cpus), module in sorted(costs.items()):
        stock = costs.get((STOCK, cpus))
        if stock and variant.startswith("module"):
            more, without = [module[name] / stock[name] * 100 - 100
                             for name in ("switch", "switch_without")]
            yield goal(f"not in bypass, {variant}: at most {COST_PERCENT} % more instructions per "
                       "context switch", f"{more:+.2f} % of {short(stock['switch'])}, "
                       f"without a scheduler {without:+.2f} %", more <= COST_PERCENT)


def not_met() -> str:
    rows = [row[:2] for row in GOALS.rows() if row[2] == "no"]
    return tables.markdown(("goal", "measured"), rows)


def show_not_met() -> None:
    tables.show(NOT_MET_BEGIN, not_met(), RESULTS)


def not_met_is_shown() -> bool:
    return tables.shown(NOT_MET_BEGIN, RESULTS) == not_met()


def record() -> None:
    """Judge again all that is in the tables."""
    GOALS.path.unlink(missing_ok=True)
    figures, gaps = Figures(RECORD, TIMES), Figures(GAP_RECORD, GAPS)
    GOALS.renew([line for goals in (even_goals, turn_goals, disabled_goals, coming_goals,
                                    large_goals, growth_goals) for line in goals(figures)] +
                list(gap_goals(gaps)) + list(cost_goals(recorded(COST_RECORD, COSTS))))
    show_not_met()
