# SPDX-License-Identifier: GPL-2.0-only
"""Run targets one after the other, show the results as a table and record them."""
import math
from collections.abc import Callable, Collection, Sequence

from lab import cases, junit, suite, table
from lab.kernels import LOGS, MAIN, MATRIX, REFUSALS, TESTS, Target, can_install
from lab.progress import Progress

# What ran last, a line for each case; the table in docs/testing.md is made from it.
RECORD = TESTS / "records" / "supported.tsv"
BEGIN = table.marker("make test-all", "supported kernels")
CASES_BEGIN = table.marker("python3 tests/run.py readme --renew", "cases")
JUNIT = LOGS / "junit.xml"


def earlier(target: Target, wanted: Collection[str],
            progress: Progress | None) -> list[suite.Run]:
    """The runs of a target that need not be run again."""
    runs = []
    for job in suite.jobs_for(target, wanted):
        result = progress and progress.result(target, job)
        if result:
            runs.append(suite.Run(target, job))
            runs[-1].end(result, "that was its result before, with this very source (AGAIN=1 runs it anew)")
    return runs


def run(targets: Sequence[Target], wanted: Collection[str] = (), end: float = math.inf,
        note: Callable[[list[suite.Run]], object] = lambda runs: None,
        progress: Progress | None = None, anew: bool = False) -> list[suite.Run]:
    """Run targets in turn.

    end: nothing begins after it, by time.monotonic(), and guests are ended
    note: is called with the runs so far, after each target
    progress: what it has is not run again, and what is run goes there
    anew: run also what it has
    """
    # all in one step; a case whose packages cannot be installed is skipped later
    can_install(frozenset().union(*(suite.needs(target, suite.jobs_for(target, wanted))
                                    for target in targets)))
    runs: list[suite.Run] = []
    for target in targets:
        before = [] if anew else earlier(target, wanted, progress)
        if before:
            suite.say(f"{target.name}: {len(before)} runs with this source are known")
        runs += before
        runs += suite.run_target(target, wanted, [run.job.name for run in before],
                                 progress.add if progress else lambda run: None, end)
        note(runs)
    return runs


def overview(runs: Sequence[suite.Run]) -> str:
    """The results: a row for each case, a column for each target."""
    short = {suite.PASS: "pass", suite.FAIL: "FAIL", suite.LOST: "LOST", suite.SKIPPED: "skip"}
    names = list(dict.fromkeys(run.job.name for run in runs))
    targets = list(dict.fromkeys(run.target.name for run in runs))
    results = {(run.target.name, run.job.name): short[run.result] for run in runs}
    width = max((len(name) for name in names), default=0)
    lines = [f"[{i}] {target}" for i, target in enumerate(targets, 1)]
    lines.append(" " * width + "".join(f"{f'[{i}]':>6}" for i in range(1, len(targets) + 1)))
    for name in names:
        lines.append(f"{name:{width}}"
                     + "".join(f"{results.get((target, name), '-'):>6}" for target in targets))
    return "\n".join(lines)


def has_failed(runs: Sequence[suite.Run]) -> bool:
    """Whether something failed. Where nothing has passed, as with no network, nothing is
    known to work."""
    results = [run.result for run in runs]
    return suite.FAIL in results or suite.LOST in results or suite.PASS not in results


def conclude(runs: Sequence[suite.Run]) -> bool:
    """Print the table, the failures and the sums. Returns whether the run has failed."""
    failed = [run for run in runs if run.result in (suite.FAIL, suite.LOST)]
    skipped = [run for run in runs if run.result == suite.SKIPPED]
    passed = sum(run.result == suite.PASS for run in runs)
    suite.say()
    suite.say(overview(runs))
    suite.say()
    for target in dict.fromkeys(run.target for run in runs if not run.target.refuses):
        missing = suite.left_out(target)
        if target.only:
            suite.say(f"{target.name} has only these cases: {' '.join(target.only)}")
        elif missing:
            suite.say(f"{target.name} is without these cases: {' '.join(missing)}")
    for run in skipped:
        suite.say(f"{run.result} {run}: {run.why}")
    for run in failed:
        suite.say(f"{run.result} {run}: {run.why}")
        for line in run.lines[-suite.LAST_LINES:]:
            suite.say(line)
    junit.write(runs, JUNIT)
    suite.say(f"all results as JUnit XML: {JUNIT}")
    if not passed and not failed:
        suite.say("FAILED: nothing was tested, for the reasons above"
                  if skipped else "FAILED: none of these targets has these cases")
    suite.say(f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped")
    return has_failed(runs)


def read_record() -> dict[tuple[str, str], str]:
    """{(target's name, case): result} of the last run of each."""
    try:
        rows = [line.split("\t") for line in RECORD.read_text(encoding="utf-8").splitlines()
                if not line.startswith("#")]
    except FileNotFoundError:
        rows = []
    return {(target, case): result for target, case, result in rows}


def record(runs: Sequence[suite.Run]) -> None:
    """Note the results, in the record and in the table of docs/testing.md. Kernels that are no
    longer in the matrix go. Where there was no kernel to test on, what is noted stays."""
    targets = {target.name for target in (MAIN, *MATRIX, *REFUSALS)}
    results = {(target, case): result for (target, case), result in read_record().items()
               if target in targets}
    results.update({(run.target.name, run.job.name): run.result for run in runs
                    if run.result != suite.SKIPPED and run.tested})
    with RECORD.open("w", encoding="utf-8") as f:
        f.write("# target, case, its result when 'make test-all' last ran it\n")
        for (name, case), result in sorted(results.items()):
            f.write(f"{name}\t{case}\t{result}\n")
    table.show(BEGIN, readme_table())


def readme_table() -> str:
    """The table in docs/testing.md, from the record."""
    results = read_record()
    rows = []
    for target in (MAIN, *MATRIX, *REFUSALS):
        jobs = [job.name for job in suite.jobs_for(target)]
        of_target = [results.get((target.name, job)) for job in jobs]
        passed = of_target.count(suite.PASS)
        failed = [job for job, result in zip(jobs, of_target, strict=True)
                  if result in (suite.FAIL, suite.LOST)]
        if not any(of_target):
            outcome = "not run"
        elif failed:
            outcome = (f"{passed + len(failed)} of {len(of_target)} cases run, "
                       f"**failed: {', '.join(failed)}**")
        elif passed < len(of_target):
            outcome = f"{passed} of {len(of_target)} cases run, all pass"
        elif target.refuses:
            outcome = "refused, as it must be"
        else:
            outcome = f"all {passed} cases pass"
        rows.append((target.name, f"`{target.kernel.release}`", target.what, outcome))
    return table.markdown(("kernel", "release", "what it is", "result"), rows)


def cases_table() -> str:
    return table.markdown(("case", "variants", "shows"), cases.table())
