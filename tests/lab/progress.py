# SPDX-License-Identifier: GPL-2.0-only
"""Results of runs with this very source, kept in the cache, so that an interrupted matrix
goes on where it was. What was skipped or lost is run again."""
import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

from lab.cases import Job
from lab.kernels import CACHE, TOP, Target
from lab.suite import FAIL, PASS, Run

# What a result depends on; not records, charts and pages: a run itself renews tables in docs.
SOURCES = ("Kbuild", "Makefile", "dkms.conf", "LICENSE", "src", "include", "tests", "tools",
           "contrib", "packaging", "docs")
IGNORED = (".tsv", ".md", ".png", ".svg", ".o", ".ko", ".mod", ".mod.c", ".cmd", ".d", ".pyc")
# made of the source
BUILT = TOP / "tools" / "scx-bypass"


def source_files() -> Iterator[Path]:
    for name in SOURCES:
        path = TOP / name
        yield from (one for one in (path, *path.rglob("*"))
                    if one.is_file() and not one.name.endswith(IGNORED) and one != BUILT
                    and ".mypy_cache" not in one.parts)


def source_id() -> str:
    """A checksum of the source's files and their names."""
    total = hashlib.sha256()
    for path in sorted(source_files()):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(TOP)} {digest}\n".encode())
    return total.hexdigest()[:16]


class Progress:
    """What has been run with this source.

    again: forget it
    """
    def __init__(self, again: bool = False, path: Path = CACHE / "progress.tsv") -> None:
        self.path, self.source, self.lock = path, source_id(), threading.Lock()
        lines = self.lines()
        if again and lines:
            lines = [line for line in lines if line[0] != self.source]
            with path.open("w", encoding="utf-8") as f:
                f.writelines("\t".join(line) + "\n" for line in lines)
        self.results = {(line[1], line[2]): line[3] for line in lines
                        if line[0] == self.source and line[3] in (PASS, FAIL)}

    def lines(self) -> list[list[str]]:
        """Each is: source, target, case, result. One that was cut off does not count."""
        try:
            with self.path.open(encoding="utf-8") as f:
                lines = [line[:-1].split("\t") for line in f if line.endswith("\n")]
        except FileNotFoundError:
            return []
        return [line for line in lines if len(line) == 4]

    def add(self, run: Run) -> None:
        if run.result not in (PASS, FAIL):
            return
        with self.lock, self.path.open("a", encoding="utf-8") as f:
            f.write("\t".join((self.source, run.target.name, run.job.name, run.result)) + "\n")

    def result(self, target: Target, job: Job) -> str | None:
        """None if that has not been run."""
        return self.results.get((target.name, job.name))
