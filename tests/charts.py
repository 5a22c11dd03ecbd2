# SPDX-License-Identifier: GPL-2.0-only
"""The bench's charts, drawn by gnuplot, each as SVG and as PNG."""
import os
import statistics
import subprocess
import tempfile

import bench_report
from bench_results import Load

TERMINALS = {"svg": "svg size 960,{height} font 'sans,13' background 'white'",
             "png": "pngcairo size 960,{height} font 'sans,10'"}
ARMS = (bench_report.STOCK, bench_report.NATIVE, bench_report.MODULE)


def plot(directory, name, commands, height):
    """Run gnuplot for each kind of file."""
    for kind, terminal in TERMINALS.items():
        script = (f"set terminal {terminal.format(height=height)}\n"
                  f"set output '{os.path.join(directory, name)}.{kind}'\n{commands}\n")
        subprocess.run(["gnuplot"], input=script, text=True, check=True)


def write(path, lines):
    with open(path, "w", encoding="utf-8") as f:
        f.writelines(line + "\n" for line in lines)


def draw_times(results, directory, data, workload, cpus):
    """Disable time over tasks per CPU: the median, and bars from the best to the worst run."""
    curves = []
    for arm in ARMS:
        lines = []
        for (name, load), runs in sorted(results.runs.items(), key=lambda one: one[0][1].tasks):
            if (name, load.workload, load.cpus) == (arm, workload, cpus) and load.tasks_per_cpu:
                times = bench_report.values(runs, "total_us")
                lines.append(f"{load.tasks_per_cpu} {statistics.median(times)} {min(times)} "
                             f"{max(times)}")
        if len(lines) > 1:
            path = os.path.join(data, f"{workload}-{cpus}-{arm}")
            write(path, lines)
            curves.append(f"'{path}' using 1:2:3:4 with yerrorlines lw 2 title '{arm}'")
    if curves:
        plot(directory, f"disable-{workload}-{cpus}",
             f"set title '{workload}, {cpus} CPUs: time until the scheduler is disabled'\n"
             "set xlabel 'tasks per CPU'\nset ylabel 'ms'\nset logscale xy\nset xrange [8:250]\nset grid\n"
             "set key top left\nset xtics (10, 25, 30, 50, 100, 200)\n"
             f"plot {', '.join(curves)}", 480)


def draw_queues(results, directory, data, load):
    """Length of each CPU's queue over time, an arm below the other.

    Of one run of each; a line shows when the scheduler was gone.
    """
    panels = []
    for arm in ARMS:
        samples, runs = results.samples.get((arm, load)), results.of(arm, load)
        # a guest that was lost has left samples of a run that it did not end
        if samples and runs:
            path = os.path.join(data, f"queues-{arm}")
            write(path, [" ".join(str(n) for n in [us / 1000, *lengths])
                         for us, *lengths in samples])
            gone = bench_report.median(runs, "total_us")
            panels.append(f"set title '{arm}, disabled after {bench_report.short(gone)} ms'\n"
                          f"set arrow 1 from {gone}, graph 0 to {gone}, graph 1 nohead dt 2\n"
                          f"plot for [i=2:{load.cpus + 1}] '{path}' "
                          "using ($1 > 0.1 ? $1 : 0.1):i with steps lw 1.5 notitle")
    if panels:
        plot(directory, f"queues-{load.cpus}",
             "set multiplot layout {n},1 title 'tasks queued for each of {cpus} CPUs, all on CPU "
             "0 when bypass begins'\nset xlabel 'ms since the trigger'\nset ylabel 'tasks'\n"
             "set logscale x\nset xrange [0.1:2000]\nset yrange [0:*]\nset grid\n{panels}\n"
             "unset multiplot".format(n=len(panels), cpus=load.cpus, panels="\n".join(panels)),
             260 * len(panels))


def draw(results, directory):
    """All that there are figures for."""
    os.makedirs(directory, exist_ok=True)
    with tempfile.TemporaryDirectory() as data:
        for workload, cpus in sorted({(load.workload, load.cpus) for _, load in results.runs}):
            if workload in ("fork", "skew"):
                draw_times(results, directory, data, workload, cpus)
        for load in sorted({load for _, load in results.samples}, key=lambda load: load.cpus):
            draw_queues(results, directory, data, load)
