# SPDX-License-Identifier: GPL-2.0-only
"""Results of runs with this very source, kept in the cache, so that an interrupted matrix
goes on where it was."""
import hashlib
import os
import threading

from lab.kernels import CACHE, TESTS

TOP = os.path.dirname(TESTS)
# what a result depends on; of the tests not their records and charts
SOURCES = ("Kbuild", "Makefile", "dkms.conf", "src", "include", "tests")
IGNORED = (".tsv", ".png", ".svg", ".o", ".ko", ".mod", ".mod.c", ".cmd", ".d", ".pyc")


def source_files():
    for name in SOURCES:
        path = os.path.join(TOP, name)
        if os.path.isfile(path):
            yield path
        for directory, _, names in os.walk(path):
            yield from (os.path.join(directory, name) for name in names
                        if not name.endswith(IGNORED))


def source_id():
    """A checksum of the source's files and their names."""
    total = hashlib.sha256()
    for path in sorted(source_files()):
        with open(path, "rb") as f:
            digest = hashlib.sha256(f.read()).hexdigest()
        total.update(f"{os.path.relpath(path, TOP)} {digest}\n".encode())
    return total.hexdigest()[:16]


class Progress:
    """What has been run with this source.

    again: forget it
    """
    def __init__(self, again=False, path=os.path.join(CACHE, "progress.tsv")):
        self.path, self.source, self.lock = path, source_id(), threading.Lock()
        lines = self.lines()
        if again:
            lines = [line for line in lines if line[0] != self.source]
            with open(path, "w", encoding="utf-8") as f:
                f.writelines("\t".join(line) + "\n" for line in lines)
        self.results = {tuple(line[1:3]): line[3] for line in lines if line[0] == self.source}

    def lines(self):
        """Each is: source, target, case, result. One that was cut off does not count."""
        try:
            with open(self.path, encoding="utf-8") as f:
                lines = [line[:-1].split("\t") for line in f if line.endswith("\n")]
        except FileNotFoundError:
            return []
        return [line for line in lines if len(line) == 4]

    def add(self, run):
        with self.lock, open(self.path, "a", encoding="utf-8") as f:
            f.write("\t".join((self.source, run.target.name, run.name, run.result)) + "\n")

    def result(self, target, name):
        """None if that has not been run."""
        return self.results.get((target.name, name))
