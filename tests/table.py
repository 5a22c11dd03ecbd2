# SPDX-License-Identifier: GPL-2.0-only
"""Records of runs, kept as tab-separated values, and README's tables made from them."""
import os

from kernels import TESTS

README = os.path.join(os.path.dirname(TESTS), "README.md")
END = "<!-- end -->\n"


def read_readme():
    with open(README, encoding="utf-8") as f:
        return f.read()


def marker(command, what):
    return f"<!-- {what}: made by {command} -->\n"


def shown(begin):
    """README's table behind a marker."""
    return read_readme().partition(begin)[2].partition(END)[0]


def show(begin, text):
    """Renew it."""
    before, _, rest = read_readme().partition(begin)
    after = rest.partition(END)[2]
    with open(README, "w", encoding="utf-8") as f:
        f.write(before + begin + text + END + after)


def markdown(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


class Table:
    """A record in a file, as it is, in README. By its first cells, the keys, a row is known."""

    def __init__(self, path, command, heads, keys=2):
        self.path, self.heads, self.keys = path, heads, keys
        self.begin = marker(command, os.path.splitext(os.path.basename(path))[0])

    def rows(self):
        try:
            with open(self.path, encoding="utf-8") as f:
                return [tuple(line.rstrip("\n").split("\t")) for line in f
                        if not line.startswith("#")]
        except FileNotFoundError:
            return []

    def renew(self, rows):
        """Replace the rows that have the same keys."""
        kept = {tuple(map(str, row[:self.keys])): row for row in [*self.rows(), *rows]}
        with open(self.path, "w", encoding="utf-8") as f:
            f.write("# " + ", ".join(self.heads) + "\n")
            for _, row in sorted(kept.items()):
                f.write("\t".join(str(cell) for cell in row) + "\n")
        show(self.begin, self.markdown())

    def markdown(self):
        return markdown(self.heads, self.rows())

    def is_shown(self):
        return shown(self.begin) == self.markdown()
