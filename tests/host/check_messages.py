# SPDX-License-Identifier: GPL-2.0-only
"""Each line that the module may write to the kernel log is in its manual page.

usage: check_messages.py SOURCE_DIRECTORY PAGE     prints what is missing

An entry of the page says "..." for what differs. A message is there if some entry's pieces
are in it, in this order.
"""
import re
import sys
from pathlib import Path

MESSAGE = re.compile(r'\bpr_(?:crit|err|warn|notice|info)(?:_once)?\(\s*"((?:[^"\\]|\\.)*)"')


def messages(top: Path) -> list[tuple[Path, str]]:
    return [(path, text) for path in sorted(top.rglob("*.c"))
            for text in MESSAGE.findall(path.read_text(encoding="utf-8"))]


def entries(page: Path) -> list[list[str]]:
    """The pieces of each entry."""
    lines = re.findall(r"^\.It (.*)", page.read_text(encoding="utf-8"), re.MULTILINE)
    return [[piece.strip() for piece in line.replace("\\&", "").split("...")]
            for line in lines if not re.match(r"(Va|Pa|Unknown|Invalid) ", line)]


def is_in(pieces: list[str], message: str) -> bool:
    position = 0
    for piece in pieces:
        position = message.find(piece, position)
        if position < 0:
            return False
        position += len(piece)
    return any(pieces)


def main() -> bool:
    known = entries(Path(sys.argv[2]))
    found = messages(Path(sys.argv[1]))
    missing = [f"{path}: \"{text}\" is not in the manual" for path, text in found
               if not any(is_in(pieces, text) for pieces in known)]
    # what the search is worth: it must have found something
    if len(found) < 20:
        missing.append(f"only {len(found)} messages were found")
    print("\n".join(missing), end="\n" if missing else "")
    return bool(missing)


if __name__ == "__main__":
    sys.exit(main())
