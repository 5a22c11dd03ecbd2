# SPDX-License-Identifier: GPL-2.0-only
"""The structure of src/: includes only go down, a static name tells its file, and what is
not static has a comment for kernel-doc. No source is long, there and in other directories.

usage: check_structure.py SRC [DIRECTORY...]    prints what is wrong in them
"""
import collections
import os
import re
import sys
from collections.abc import Iterator

# The layers of src/, from the top down. What is in one row does not include each other.
LAYERS = (
    (".",),
    ("redirect",),
    ("hooks",),
    ("balance", "hasten"),
    ("record",),
    ("queue",),
    ("kern",),
)
LEVEL = {folder: level for level, row in enumerate(LAYERS) for folder in row}

Arrows = dict[str, set[str]]

# No source is longer.
MAX_LINES = 400
# C, Python and shell
SOURCES = (".c", ".h", ".py", ".sh")


def without_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/|//[^\n]*", lambda m: "\n" * m.group().count("\n"), text,
                  flags=re.DOTALL)


def unit(path: str) -> str:
    """A source and the header beside it are one."""
    return os.path.splitext(path)[0]


def folder(path: str) -> str:
    return os.path.dirname(path) or "."


def static_names(text: str) -> Iterator[tuple[int, str]]:
    """Line and name of all that is static in a file, functions' own variables aside.

    Names that a macro of the kernel's makes (module_param(), DEFINE_SHOW_ATTRIBUTE()) are not
    in the text, so there is no list of exceptions.
    """
    text = without_comments(text).replace("\\\n", " \n")
    for match in re.finditer(r"^static\b([^;={]*)[;={]", text, re.MULTILINE):
        line = text.count("\n", 0, match.start()) + 1
        declaration = " ".join(match.group(1).split())
        macro = re.match(r"([A-Z_]+)\((.*)\)$", declaration)
        function = re.search(r"(\w+)(?:##\w+)*\s*\(", declaration)
        if macro:                   # DEFINE_MUTEX(name), DEFINE_PER_CPU(type, name)
            names = [macro.group(2).split(",")[macro.group(1) == "DEFINE_PER_CPU"]]
        elif function:              # type name(...)
            names = [function.group(1)]
        else:                       # type name, name[2]
            names = declaration.split(",")
        for name in names:
            yield line, re.findall(r"\w+", re.sub(r"\[.*?\]|\b__\w+\b", " ", name))[-1]


def undocumented(text: str) -> Iterator[str]:
    """Functions of a source that are not static, and have no comment for kernel-doc."""
    for match in re.finditer(r"^(?!static|typedef)\w[\w *]*?\b(\w+)\([^;{}]*\)\n{",
                             without_comments(text), re.MULTILINE):
        if f"\n * {match.group(1)}() - " not in text:
            yield match.group(1)


def circle(arrows: Arrows) -> list[str] | None:
    """Some circle of arrows, as a list of places, or None."""
    done: set[str] = set()
    path: list[str] = []

    def visit(place: str) -> list[str] | None:
        if place in path:
            return path[path.index(place):] + [place]
        if place in done:
            return None
        path.append(place)
        for target in sorted(arrows.get(place, ())):
            found = visit(target)
            if found:
                return found
        done.add(path.pop())
        return None

    for place in sorted(arrows):
        found = visit(place)
        if found:
            return found
    return None


def sources(top: str) -> dict[str, str]:
    """Path below the directory, and text."""
    files: dict[str, str] = {}
    for directory, _, names in os.walk(top):
        for name in names:
            if name.endswith(SOURCES):
                path = os.path.join(directory, name)
                with open(path, encoding="utf-8") as f:
                    files[os.path.relpath(path, top)] = f.read()
    return files


def long_sources(top: str) -> Iterator[str]:
    files = sources(top)
    for path, text in sorted(files.items()):
        lines = text.count("\n")
        if lines > MAX_LINES:
            yield f"{os.path.join(top, path)}: {lines} lines, more than {MAX_LINES}"
    if not files:
        yield f"{top}: there is no source"


def main() -> bool:
    files = sources(sys.argv[1])
    wrong = [line for top in sys.argv[1:] for line in long_sources(top)]
    by_file: Arrows = collections.defaultdict(set)
    by_folder: Arrows = collections.defaultdict(set)
    nr_names = 0
    for path, text in sorted(files.items()):
        if folder(path) not in LEVEL:
            wrong.append(f"{path}: the folder is no layer")
            continue
        for target in re.findall(r'^#include "([^"]+)"', text, re.MULTILINE):
            if target not in files or folder(target) not in LEVEL:
                wrong.append(f"{path}: includes {target}, which is not in src/")
                continue
            if unit(target) != unit(path):
                by_file[unit(path)].add(unit(target))
            if folder(target) != folder(path):
                by_folder[folder(path)].add(folder(target))
                if LEVEL[folder(target)] <= LEVEL[folder(path)]:
                    wrong.append(f"{path}: includes {target}, which is not below it")
        prefix = os.path.basename(unit(path)) + "_"
        for line, name in static_names(text):
            nr_names += 1
            if not name.startswith(prefix) and name + "_" != prefix:
                wrong.append(f"{path}:{line}: {name} does not begin with {prefix}")
        wrong += [f"{path}: {name}() has no kernel-doc" for name in undocumented(text)]
    for what, arrows in (("files", by_file), ("folders", by_folder)):
        found = circle(arrows)
        if found:
            wrong.append(f"a circle of {what}: {' -> '.join(found)}")
    # what the search is worth: it must have found something
    if len(files) < 20 or nr_names < 100 or not by_file:
        wrong.append(f"only {len(files)} files and {nr_names} static names were found")
    print("\n".join(wrong), end="\n" if wrong else "")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
