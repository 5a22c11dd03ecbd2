# SPDX-License-Identifier: GPL-2.0-only
"""The kernels to run on, and in which ways on each."""
import dataclasses
import functools
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lab.processes import tethered

TESTS = Path(__file__).resolve().parent.parent
TOP = TESTS.parent
CACHE = Path(os.environ.get("CACHE") or Path.home() / ".cache/scx_bypass_lb").absolute()
LOGS = CACHE / "logs"
# what the setup scripts exit with when the archive has not what they need
NOT_AVAILABLE = 3
# and when the machine or its administrator does not allow what they need
NOT_ALLOWED = 77


class SetupError(Exception):
    """A step before the tests failed; the text says which, log where its output is."""

    def __init__(self, text: str, log: str | Path | None = None) -> None:
        super().__init__(f"{text}, see {log or 'above'}")
        self.log = log


class NotAvailable(Exception):
    """The archive does not have this kernel (any more)."""


def setup_command(script: str, *arguments: str | Path) -> list[str]:
    """To run a script of tests/setup."""
    return ["sh", str(TESTS / "setup" / script), *map(str, arguments)]


def run_setup(command: list[str]) -> int:
    """Returns its status."""
    return subprocess.run(command, check=False, stdin=subprocess.DEVNULL,
                          env={**os.environ, "CACHE": str(CACHE)}).returncode


@functools.cache
def can_install(groups: frozenset[str]) -> bool:
    """Install these groups of packages. Returns False if the user may not install packages."""
    # not on a tether: dpkg is not to be interrupted
    status = run_setup(setup_command("packages.sh", *sorted(groups)))
    if status not in (0, NOT_ALLOWED):
        raise SetupError("installing packages failed")
    return not status


def install(groups: Iterable[str]) -> None:
    """Install these groups of packages, which must be there."""
    if not can_install(frozenset(groups)):
        raise SetupError("packages are missing")


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A stock kernel, or with configs (of tests/configs) one that is built here.

    patches: of tests/patches, of its source
    make_variables: for modules that are built for it
    image: nothing is built for it
    append: for its command line
    """
    release: str
    version: str
    suite: str
    configs: tuple[str, ...] = ()
    patches: tuple[str, ...] = ()
    make_variables: tuple[str, ...] = ()
    image: bool = False
    append: str = "console=ttyS0"

    @property
    def directory(self) -> Path:
        return CACHE / "kernels" / self.release

    @property
    def image_file(self) -> Path:
        return self.directory / "vmlinuz"

    def prepare(self, clang: bool = False) -> Path:
        """Fetch or build it. Returns its directory.

        clang: prepare a tree to build modules with clang as well, of a stock kernel
        """
        self.setup("built.sh" if self.configs else "stock.sh", self.release, self.version,
                   self.suite, *self.configs, *(f"patch:{name}" for name in self.patches),
                   *(["clang"] if clang and not self.configs else []),
                   *(["image"] if self.image else []))
        return self.directory

    def fetch(self) -> None:
        """Fetch what prepare() will use, of a stock kernel."""
        self.setup("stock.sh", self.release, self.version, self.suite, "fetch")

    def peers(self) -> list[Path]:
        """Build its own selftests and example schedulers. Returns their paths."""
        self.setup("peers.sh", self.directory)
        return [path for path in (self.directory / "peers").iterdir() if path.name != "ready"]

    def setup(self, script: str, *arguments: str | Path) -> None:
        status = run_setup(tethered(*setup_command(script, *arguments)))
        if status == NOT_AVAILABLE:
            raise NotAvailable(self.release)
        if status:
            raise SetupError(f"setting up {self.release} failed")


@dataclasses.dataclass(frozen=True)
class Target:
    """A way to run the suite.

    params: the module is always loaded with them
    clang: the module is built with clang
    fire: whether its suite has the storms
    extra: cases that only run on targets that name them
    only: all its cases, if it has not the suite
    without: cases of the suite that it has not
    refuses: the only case that this kernel is for, because the module must refuse it
    reason: where it does so at its build already, by this message
    """
    name: str
    kernel: Kernel
    what: str
    params: str = ""
    clang: bool = False
    fire: bool = False
    extra: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    refuses: str = ""
    reason: str = ""


def stock(release: str, version: str, suite: str = "trixie-backports", **kwargs: Any) -> Kernel:
    return Kernel(release, version, suite, **kwargs)


def built(release: str, version: str, configs: tuple[str, ...],
          suite: str = "trixie-backports", **kwargs: Any) -> Kernel:
    return Kernel(release, version, suite, configs, **kwargs)


LLVM = ("LLVM=-19",)
LINUX_6_12 = built("6.12.117-scx", "6.12.117-1", ("base", "livepatch"), "trixie")
LINUX_6_12_UEK = built("6.12.95-uek", "6.12.95-1~bpo12+1", ("base", "livepatch", "uek"),
                       "bookworm-backports")
LINUX_6_17 = stock("6.17.8+deb13-amd64", "6.17.8-1~bpo13+1")
LINUX_6_18_5 = stock("6.18.5+deb13-amd64", "6.18.5-1~bpo13+1")
LINUX_6_18_9 = stock("6.18.9+deb13-amd64", "6.18.9-1~bpo13+1")
LINUX_6_18_12 = stock("6.18.12+deb13-amd64", "6.18.12-1~bpo13+1")
LINUX_6_18 = stock("6.18.15+deb13-amd64", "6.18.15-1~bpo13+1")
# RCU's threads have a higher priority than the storms (tests/guest/storm.c), as the kernel's
# documentation advises for machines with real-time tasks. Else a real-time task that patches code
# for 21 seconds, as insmod does where the emulator is slow, keeps rcuc/N of its CPU from running.
# The stock kernel then reports a stall, without the module too, and removes the scheduler.
LINUX_6_18_RT = stock("6.18.15+deb13-rt-amd64", "6.18.15-1~bpo13+1",
                      append="console=ttyS0 rcutree.kthread_prio=60")
LINUX_6_18_CLOUD = stock("6.18.15+deb13-cloud-amd64", "6.18.15-1~bpo13+1")
LINUX_6_18_NO_LIVEPATCH = built("6.18.15-nolivepatch", "6.18.15-1~bpo13+1",
                                ("base", "no-livepatch"))
LINUX_6_18_CACHYOS = built("6.18.15-cachyos", "6.18.15-1~bpo13+1", ("base", "cachyos"),
                           patches=("breather", "enabler", "o3", "peek"))
LINUX_6_18_LLVM = built("6.18.15-llvm", "6.18.15-1~bpo13+1", ("base", "livepatch", "clang"),
                        make_variables=LLVM, patches=("peek",),
                        append="console=ttyS0 threadirqs")
LINUX_6_18_THINLTO = built("6.18.15-thinlto", "6.18.15-1~bpo13+1",
                           ("base", "livepatch", "clang", "thinlto"), make_variables=LLVM,
                           patches=("import",))
LINUX_6_18_INLINED = built("6.18.15-inlined", "6.18.15-1~bpo13+1", ("base", "cachyos"),
                           patches=("breather", "o3", "inlined"))
# Here a warning that is printed with a run queue locked must not go through the
# tty layer, whose locks lockdep knows to come before.
RAW_CONSOLE = "earlyprintk=ttyS0,115200,keep console=none"
LINUX_6_18_DEBUG = built("6.18.15-debug", "6.18.15-1~bpo13+1", ("base", "livepatch", "debug"),
                         append=RAW_CONSOLE)
LINUX_6_18_KCSAN = built("6.18.15-kcsan", "6.18.15-1~bpo13+1", ("base", "livepatch", "kcsan"),
                         append=RAW_CONSOLE)
LINUX_6_19 = stock("6.19.14+deb13-amd64", "6.19.14-1~bpo13+1", image=True)
LINUX_6_12_NO_SCX = stock("6.12.95+deb12-amd64", "6.12.95-1~bpo12+1", "bookworm-backports")
LINUX_7_3 = stock("7.3.4+deb13-amd64", "7.3.4-1~bpo13+1")

MAIN = Target("6.18.15", LINUX_6_18, "Debian's stock image", fire=True,
              extra=("peers", "leave", "bpftrace", "upgrade", "plug", "programs", "forced"))

# kernels that the module must refuse; "make test" has them too
REFUSALS = (
    Target("7.3.4", LINUX_7_3, "Debian's stock image, balances bypass itself",
           refuses="native"),
    Target("6.12.95-stock", LINUX_6_12_NO_SCX, "Debian's stock image, without sched_ext",
           refuses="build", reason="this kernel has no sched_ext"),
)

LIVEPATCH = "backend=livepatch"
# For what differs from a kernel that has the suite only in how hooks are put in place, or how the
# module is compiled: placing and removing them, with others there, and one pass through bypass.
HOOKING = ("conflicts", "deadftrace", "direct", "enable", "exits", "hog", "hotplug", "ibt",
           "preview", "refusal", "reload", "revert", "seams", "skew", "unload", "unloadhog")
# For kernels that find faults of locking and of memory, and races, and are many times slower:
# where tasks, CPUs and the module change at the same time.
CHANGING = ("delivery", "dry", "entering", "exits", "fire", "hog", "hotplug", "nodes", "race",
            "revert", "seams", "skew", "status", "suspend", "unload", "unloadhog")
# With threadirqs an ordinary thread of a CPU runs its softirqs, also the timer of a pass. A
# real-time task that has the CPU keeps it from running: without the module too, the stock kernel
# fails these cases (a scheduler does not go, nobody can fork). *dry* waits for a pass there.
STARVED_BY_SOFTIRQS = ("dry", "hogforks", "lateleaf", "stuck")
# in the order in which they run: those that must be built come last
MATRIX = (
    Target("6.18.15-ftrace", LINUX_6_18, "Debian's stock image, backend=ftrace",
           params="backend=ftrace", only=HOOKING),
    Target("6.18.15-livepatch", LINUX_6_18, "Debian's stock image, backend=livepatch",
           params=LIVEPATCH, only=HOOKING),
    Target("6.18.15-rt", LINUX_6_18_RT, "Debian's stock image, PREEMPT_RT", fire=True),
    Target("6.17.8", LINUX_6_17, "Debian's stock image, with MODVERSIONS",
           extra=("leave", "plug", "programs")),
    Target("6.18.12", LINUX_6_18_12, "Debian's stock image", fire=True),
    Target("6.18.9", LINUX_6_18_9, "Debian's stock image", fire=True),
    Target("6.18.15-clang", LINUX_6_18, "Debian's stock image, module built with clang",
           clang=True, only=HOOKING),
    Target("6.18.15-cloud", LINUX_6_18_CLOUD,
           "Debian's stock image for clouds, backend=livepatch", params=LIVEPATCH, only=HOOKING),
    Target("6.18.5", LINUX_6_18_5, "Debian's stock image, backend=livepatch",
           params=LIVEPATCH, only=HOOKING),
    Target("6.18.15-inlined", LINUX_6_18_INLINED,
           "built with consume_dispatch_q() inlined into one caller, for which the hooks must "
           "stay inactive", only=("inlined",)),
    Target("6.18.15-cachyos", LINUX_6_18_CACHYOS,
           "built with the breather and the attaching thread of 6.18.20, and as CachyOS does: -O3, "
           "1000 Hz, RCU boosting, no livepatch", fire=True, extra=("core",)),
    Target("6.18.15-llvm", LINUX_6_18_LLVM,
           "built with clang, and the module too; interrupts in threads; with a member of DSQs "
           "as CachyOS has it",
           fire=True, without=STARVED_BY_SOFTIRQS),
    Target("6.18.15-thinlto", LINUX_6_18_THINLTO,
           "built with clang and ThinLTO, which renames static variables, and the module with "
           "clang", only=HOOKING),
    Target("6.12.95-uek", LINUX_6_12_UEK,
           "built towards UEK8: not preemptible, MODVERSIONS; without nodes", fire=True,
           without=("nodes",)),
    Target("6.12.117", LINUX_6_12, "built from linux-source-6.12 with sched_ext", fire=True,
           extra=("leave",)),
    Target("6.18.15-nolivepatch", LINUX_6_18_NO_LIVEPATCH, "built without livepatch",
           only=HOOKING),
    Target("6.18.15-debug", LINUX_6_18_DEBUG, "built with lockdep, KASAN, debugging of objects",
           only=(*CHANGING, "faults", "mutant")),
    Target("6.18.15-kcsan", LINUX_6_18_KCSAN, "built with KCSAN", only=CHANGING),
)
