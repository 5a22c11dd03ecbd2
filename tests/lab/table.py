# SPDX-License-Identifier: GPL-2.0-only
"""Records of runs, kept as tab-separated values, and the pages' tables made from them."""
from collections.abc import Iterable, Sequence
from pathlib import Path

from lab.kernels import TESTS, TOP

TESTING, RESULTS = TOP / "docs/testing.md", TOP / "docs/results.md"
FIGURES = TOP / "docs/results-tables.md"
RECORDS = TESTS / "records"
# a cell may be anything that has a text
Row = tuple[object, ...]
END = "<!-- end -->\n"


def marker(command: str, what: str) -> str:
    return f"<!-- {what}: made by {command} -->\n"


def shown(begin: str, page: Path = TESTING) -> str:
    """A page's table behind a marker."""
    return page.read_text(encoding="utf-8").partition(begin)[2].partition(END)[0]


def show(begin: str, text: str, page: Path = TESTING) -> None:
    """Renew it."""
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    after = rest.partition(END)[2]
    page.write_text(before + begin + text + END + after, encoding="utf-8")


def markdown(heads: Sequence[str], rows: Iterable[Row]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def in_order(keys: Sequence[str]) -> list[tuple[int, str]]:
    """What to sort rows by, by their keys: numbers by their value."""
    return [(int(key) if key.isdecimal() else 0, key) for key in keys]


class Table:
    """A record in a file, as it is, on a page. By its first cells, the keys, a row is known."""

    def __init__(self, name: str, command: str, heads: Sequence[str], keys: int = 2,
                 page: Path = TESTING) -> None:
        self.path, self.heads, self.keys, self.page = RECORDS / name, heads, keys, page
        self.begin = marker(command, self.path.stem)

    def rows(self) -> list[tuple[str, ...]]:
        try:
            return [tuple(line.split("\t"))
                    for line in self.path.read_text(encoding="utf-8").splitlines()
                    if not line.startswith("#")]
        except FileNotFoundError:
            return []

    def renew(self, rows: Iterable[Row]) -> None:
        """Replace the rows that have the same keys."""
        every: list[Row] = [*self.rows(), *rows]
        kept = {tuple(map(str, row[:self.keys])): row for row in every}
        with self.path.open("w", encoding="utf-8") as f:
            f.write("# " + ", ".join(self.heads) + "\n")
            for keys in sorted(kept, key=in_order):
                f.write("\t".join(str(cell) for cell in kept[keys]) + "\n")
        self.show()

    def show(self) -> None:
        show(self.begin, self.markdown(), self.page)

    def markdown(self) -> str:
        return markdown(self.heads, self.rows())

    def is_shown(self) -> bool:
        return shown(self.begin, self.page) == self.markdown()
