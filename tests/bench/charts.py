# SPDX-License-Identifier: GPL-2.0-only
"""The bench's charts, drawn by gnuplot, each as SVG and as PNG."""
import statistics
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bench import report
from bench.results import Load, Results

TERMINALS = {"svg": "svg size {width},{height} font 'sans,13' background 'white'",
             "png": "pngcairo size {width},{height} font 'sans,10'"}
VARIANTS = (report.STOCK, report.NATIVE, "native 7.3.4", report.MODULE)
WORKLOADS = ("skew", "piles", "threads", "fork")
PANEL = 300
# gnuplot cannot show 0 on a logarithmic axis
FIRST_MS = 0.1


def plot(directory: Path, name: str, commands: str, height: int, width: int = 960) -> None:
    """Run gnuplot for each kind of file."""
    for kind, terminal in TERMINALS.items():
        script = (f"set terminal {terminal.format(width=width, height=height)}\n"
                  f"set output '{directory / name}.{kind}'\n{commands}\n")
        subprocess.run(["gnuplot"], input=script, text=True, check=True)


def write(path: Path, lines: Iterable[str]) -> None:
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def draw_times(results: Results, directory: Path, data: Path, workload: str, cpus: int) -> None:
    """Time over tasks per CPU: the median, and bars from the best to the worst run."""
    panels = []
    for figure, what in (("reached_us", "disabled"), ("recovered_us", "recovered")):
        curves = []
        for variant in VARIANTS:
            lines = []
            for (name, load), runs in sorted(results.runs.items(), key=lambda one: one[0][1].tasks):
                times = report.values(runs, figure)
                if (name, load.workload, load.cpus) == (variant, workload, cpus) and times and \
                        load.tasks_per_cpu:
                    lines.append(f"{load.tasks_per_cpu} {statistics.median(times)} {min(times)} "
                                 f"{max(times)}")
            if len(lines) > 1:
                path = data / f"{workload}-{cpus}-{variant}-{figure}"
                write(path, lines)
                curves.append(f"'{path}' using 1:2:3:4 with yerrorlines lw 2 title '{variant}'")
        if curves:
            panels.append(f"set ylabel 'ms until {what}'\nplot {', '.join(curves)}")
    if panels:
        plot(directory, f"growth-{workload}-{cpus}",
             f"set multiplot layout 1,{len(panels)} title '{workload}, {cpus} CPUs: medians, and "
             "from the best to the worst run'\nset xlabel 'tasks per CPU'\nset logscale xy\n"
             "set xrange [8:250]\nset grid\nset key top left\nset xtics (10, 25, 30, 50, 100, 200)\n"
             + "\n".join(panels) + "\nunset multiplot", 480)


def queue_lines(samples: Iterable[Sequence[int]], cpus: int) -> Iterator[str]:
    """For each sample its time in ms, of each node the longest queue and 1.5 times a share,
    and all queues."""
    half = cpus // 2
    for us, *lengths in samples:
        nodes = [figure for node in (lengths[:half], lengths[half:])
                 for figure in (max(node), 1.5 * sum(node) / half)]
        yield " ".join(map(str, [max(us / 1000, FIRST_MS), *nodes, *lengths]))


# of the columns of queue_lines()
CURVES = ((2, "#c00000", 1, "longest of node 0"), (3, "#c00000", 3, "1.5 times its even share"),
          (4, "#0060c0", 1, "longest of node 1"), (5, "#0060c0", 3, "1.5 times its even share"))
FIRST_QUEUE = 6


def last_ms(results: Results, variants: Sequence[str], load: Load) -> float:
    """When the last one has recovered."""
    return max(results.of(variant, load)[0]["recovered_us"] for variant in variants) / 1000


def draw_queues(results: Results, directory: Path, data: Path, load: Load, name: str,
                variants: Iterable[str]) -> None:
    """The queues of each of these variants until it has recovered, in its first run."""
    variants = [variant for variant in variants
                if results.has_samples(variant, load) and results.of(variant, load)]
    panels = []
    for variant in variants:
        run = results.of(variant, load)[0]
        gone, recovered = [max(run[name] / 1000, FIRST_MS)
                           for name in ("reached_us", "recovered_us")]
        path = data / f"queues-{variant}"
        write(path, queue_lines(results.samples[variant, load], load.cpus))
        panels.append(
            f"set title '{variant}: disabled after {report.short(gone)} ms, recovered after "
            f"{report.short(recovered)} ms' noenhanced\n"
            f"set arrow 1 from {gone}, graph 0 to {gone}, graph 1 nohead dt 2 lw 2\n"
            f"set arrow 2 from {recovered}, graph 0 to {recovered}, graph 1 nohead lw 2\n"
            f"plot for [i={FIRST_QUEUE}:{FIRST_QUEUE + load.cpus - 1}] '{path}' using 1:i "
            f"with steps lc rgb '#c0c0c0' title i == {FIRST_QUEUE} ? 'queue of each CPU' : '', " +
            "".join(f"'{path}' using 1:{column} with steps lw 2 dt {dash} lc rgb '{colour}' "
                    f"title '{title}', " for column, colour, dash, title in CURVES) +
            "NaN with lines dt 2 lw 2 lc rgb 'black' title 'disabled', "
            "NaN with lines lw 2 lc rgb 'black' title 'recovered'")
    if panels:
        end = 1.3 * last_ms(results, variants, load)
        plot(directory, f"{name}-{load.workload}-{load.cpus}",
             f"set multiplot layout {len(panels)},1 title '{load.workload}, {load.cpus} CPUs, "
             f"{load.tasks_per_cpu} tasks each: queues until recovered (one run each)'\n"
             "set xlabel 'ms since the trigger'\nset ylabel 'tasks'\nset logscale x\n"
             f"set xrange [{FIRST_MS}:{end}]\nset yrange [0:*]\nset grid\n"
             "set key outside right\n" + "\n".join(panels) + "\nunset multiplot",
             PANEL * len(panels), 1100)


def draw(results: Results, directory: Path) -> None:
    """All that there are figures for."""
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        data = Path(temporary)
        for workload, cpus in sorted({(load.workload, load.cpus) for _, load in results.runs}):
            if workload in WORKLOADS:
                draw_times(results, directory, data, workload, cpus)
        for load in {load for _, load in results.samples}:
            if load.workload in WORKLOADS and load.tasks_per_cpu:
                draw_queues(results, directory, data, load, "queues", VARIANTS)
                draw_queues(results, directory, data, load, "parameters",
                            sorted({variant for variant, _ in results.samples
                                    if variant.startswith(f"{report.MODULE},")}))
