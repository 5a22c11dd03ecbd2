# SPDX-License-Identifier: GPL-2.0-only
"""The cases. Those of the guest register themselves, in tests/guest, by the macro CASE of
lab.h; those of the host are in the table below."""
import dataclasses
import enum
import functools
import re
import subprocess
from pathlib import Path

from lab.booting import MACHINES
from lab.building import MUTANTS
from lab.kernels import TESTS, SetupError
from lab.processes import tethered


class Kind(enum.Enum):
    """How a case is run.

    GUEST: in a guest, by the driver
    MUTANT: in a guest, with a copy of the module that the kernel must complain about
    BUILD: building the module must fail
    OBJECT: tests/host/CASE.sh, for each build of the module
    HOST: tests/host/CASE.sh, which needs no guest
    """
    GUEST = "guest"
    MUTANT = "mutant"
    BUILD = "build"
    OBJECT = "object"
    HOST = "host"


class Where(enum.Enum):
    """On which targets a case is run.

    SUITE: on each that has the suite
    FIRE: on those of them that are to be proven under fire
    NAMED: on those that name it, in kernels.py
    MAIN: on the main kernel
    COMMAND: on none: a command of its own runs it
    """
    SUITE = "suite"
    FIRE = "fire"
    NAMED = "named"
    MAIN = "main"
    COMMAND = "command"


@dataclasses.dataclass(frozen=True)
class Case:
    """shows: one sentence
    variants: a run for each
    machines: of each variant, by its name in booting.py; one is for all of them
    uses: groups of packages, and what else has to be prepared for it, see suite.needs()
    minutes: of the host; a guest without an end is then lost
    first: it is one of the longest, so it begins before others
    """
    name: str
    shows: str
    kind: Kind = Kind.HOST
    where: Where = Where.MAIN
    variants: tuple[str, ...] = ()
    machines: tuple[str, ...] = ("usual",)
    uses: tuple[str, ...] = ()
    minutes: int = 60
    first: bool = False

    def jobs(self) -> list["Job"]:
        return [Job(self, variant) for variant in self.variants or ("",)]

    def machine(self, variant: str) -> str:
        if len(self.machines) == 1:
            return self.machines[0]
        return self.machines[self.variants.index(variant)]


@dataclasses.dataclass(frozen=True)
class Job:
    """A variant of a case, to be run on a target."""
    case: Case
    variant: str = ""

    @property
    def name(self) -> str:
        return f"{self.case.name}/{self.variant}" if self.variant else self.case.name


HOST_CASES = (
    Case("fresh", "a bare Debian 12 gets all that the demo uses; in `make test-all` Debian 13 too, "
         "also what the tests use, and the demo runs there",
         uses=("fresh",), first=True),
    Case("packages", "deb and rpm: built, installed, upgraded, removed; makepkg builds",
         uses=("tree", "packages", "dkms")),
    Case("check", "checkpatch, sparse, W=1 with gcc and clang, shellcheck, mandoc, mypy and "
         "pyflakes find nothing; the lab's own parts work; generated tables are the records'",
         uses=("tree", "clang", "check")),
    Case("command", "every verb of `scx-bypass` on files of a machine with 192 CPUs; its manual",
         uses=("compiler", "command")),
    Case("dkms", "dkms builds, installs, skips what the module is not for, and removes",
         uses=("tree", "clang", "dkms")),
    Case("sim", "what the balancer plans for up to 4096 CPUs and a million tasks: its work grows "
         "no faster than the queues", uses=("compiler",)),
    Case("direct", "the module's object has no indirect branch to a function of the kernel",
         kind=Kind.OBJECT, where=Where.SUITE, uses=("tree",)),
    Case("build", "a kernel without sched_ext: the build is refused, with the reason",
         kind=Kind.BUILD, where=Where.NAMED, uses=("tree",)),
    Case("mutant", "without its nested lock class, its check of a task's CPU, or the donor's run "
         "queue lock, the module is found out by lockdep or KASAN (debug kernel)",
         kind=Kind.MUTANT, where=Where.NAMED, variants=tuple(MUTANTS), uses=("tree", "guest")),
)

# a use of the macro; see lab.h
USE = re.compile(r"CASE\((\w+)\) = \{\n((?:\t[^\n]*\n)*)\};\n")
FIELD = re.compile(r'\t\.(\w+) =\s+(?:"((?:[^"\\]|\\.)*)"|(\d+|true|false)),\n')
# the fields of struct case_facts, in the order of the driver's --list
FIELDS = ("shows", "variants", "machines", "targets", "uses", "minutes", "first")
# what a field is that is not there
NOTHING = {"minutes": "0", "first": "0"}
# what a guest's case may have for its targets
TARGETS = [where.value for where in (Where.SUITE, Where.FIRE, Where.NAMED, Where.COMMAND)]
GUEST = TESTS / "guest"

# a case as it stands in its file: its name, and its fields as above
Registered = tuple[str, ...]


def registered_in(path: Path) -> list[Registered]:
    """The uses of the macro in a file."""
    text = path.read_text(encoding="utf-8")
    found = []
    for match in re.finditer(r"^CASE\(", text, re.MULTILINE):
        use = USE.match(text, match.start())
        if not use or FIELD.sub("", use.group(2)):
            line = text.count("\n", 0, match.start()) + 1
            raise SetupError("the CASE() there is not written as lab.h says", f"{path}:{line}")
        fields = {name: string or {"true": "1", "false": "0"}.get(word, word)
                  for name, string, word in FIELD.findall(use.group(2))}
        found.append((use.group(1),
                      *(fields.get(name, NOTHING.get(name, "")) for name in FIELDS)))
    return found


def registered() -> list[Registered]:
    return [one for path in sorted(GUEST.glob("*.c")) for one in registered_in(path)]


def check_driver(driver: Path) -> None:
    """The driver must have the cases that were read from its sources, and no others."""
    listed = subprocess.run(tethered(driver, "--list"), check=True, capture_output=True, text=True,
                            stdin=subprocess.DEVNULL).stdout.splitlines()
    if sorted(listed) != sorted("\t".join(one) for one in registered()):
        raise SetupError(f"'{driver} --list' is not what lab/cases.py has read", GUEST)


def guest_case(one: Registered) -> Case:
    name, *values = one
    fields = dict(zip(FIELDS, values))
    variants = tuple(fields["variants"].split()) or ("module",)
    machines = tuple(fields["machines"].split()) or ("usual",)
    targets = fields["targets"] or Where.SUITE.value
    if targets not in TARGETS:
        raise SetupError(f"CASE({name}): .targets is none of {' '.join(TARGETS)}", GUEST)
    if len(machines) not in (1, len(variants)) or not MACHINES.keys() >= set(machines):
        raise SetupError(f"CASE({name}): .machines is not one, or one for each variant, of "
                         f"{' '.join(MACHINES)}", GUEST)
    return Case(name, fields["shows"], Kind.GUEST, Where(targets), variants, machines,
                uses=("tree", "guest", *fields["uses"].split()),
                minutes=int(fields["minutes"]) or Case.minutes, first=fields["first"] == "1")


@functools.cache
def all_cases() -> tuple[Case, ...]:
    """In the order in which they begin."""
    guest = [guest_case(one) for one in registered()]
    guest.sort(key=lambda case: (not case.first, case.where == Where.NAMED))
    host = [case for case in HOST_CASES if case.kind == Kind.HOST]
    cases = (*host, *guest, *(case for case in HOST_CASES if case.kind != Kind.HOST))
    names = [case.name for case in cases]
    for name in names:
        if names.count(name) > 1:
            raise SetupError(f"there are two cases {name}", GUEST)
    return cases


def find(name: str) -> Case:
    for case in all_cases():
        if case.name == name:
            return case
    raise SetupError(f"no case is called {name}", GUEST)


def table() -> list[tuple[str, str, str]]:
    """Rows for docs/testing.md: what is run in guests, and what is not."""
    shown = [case for case in all_cases() if case.where != Where.COMMAND]
    shown.sort(key=lambda case: (case.kind in (Kind.HOST, Kind.OBJECT, Kind.BUILD), case.name))
    return [(case.name, ", ".join(case.variants) or "on the host", case.shows) for case in shown]
