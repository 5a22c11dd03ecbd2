# SPDX-License-Identifier: GPL-2.0-only
"""Records of runs, kept as tab-separated values, and the pages' tables made from them."""
import os

from lab.kernels import TESTS

TESTING, RESULTS = (os.path.join(os.path.dirname(TESTS), name)
                    for name in ("docs/testing.md", "RESULTS.md"))
END = "<!-- end -->\n"


def read(page):
    with open(page, encoding="utf-8") as f:
        return f.read()


def marker(command, what):
    return f"<!-- {what}: made by {command} -->\n"


def shown(begin, page=TESTING):
    """A page's table behind a marker."""
    return read(page).partition(begin)[2].partition(END)[0]


def show(begin, text, page=TESTING):
    """Renew it."""
    before, _, rest = read(page).partition(begin)
    after = rest.partition(END)[2]
    with open(page, "w", encoding="utf-8") as f:
        f.write(before + begin + text + END + after)


def markdown(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def in_order(keys):
    """What to sort rows by, by their keys: numbers by their value."""
    return [(int(key) if key.isdecimal() else 0, key) for key in keys]


class Table:
    """A record in a file, as it is, on a page. By its first cells, the keys, a row is known."""

    def __init__(self, path, command, heads, keys=2, page=TESTING):
        self.path, self.heads, self.keys, self.page = path, heads, keys, page
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
            for keys in sorted(kept, key=in_order):
                f.write("\t".join(str(cell) for cell in kept[keys]) + "\n")
        show(self.begin, self.markdown(), self.page)

    def markdown(self):
        return markdown(self.heads, self.rows())

    def is_shown(self):
        return shown(self.begin, self.page) == self.markdown()
