# SPDX-License-Identifier: GPL-2.0-only
"""Run a command whose processes all end when the process that has started this one ends,
however that ends, and when the command itself ends.

usage: tether.py PARENT COMMAND...     PARENT: the number of that process

All descendants of the command become this process's children when their own parent ends,
so that it finds every one of them.
"""
import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

# <linux/prctl.h>
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def parents() -> dict[int, int]:
    """Of each process, the number of its parent."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            # the name before may have blanks and brackets in it
            found[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            pass
    return found


def descendants(pid: int) -> list[int]:
    parent_of = parents()
    found = [pid]
    for one in found:
        found += [child for child, parent in parent_of.items() if parent == one]
    return found[1:]


def end_all() -> None:
    """End all descendants, those too that are started meanwhile."""
    while True:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        for pid in descendants(os.getpid()):
            try:
                os.kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
        time.sleep(0.01)


def end(number: int, frame: FrameType | None) -> None:
    for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)
    end_all()
    os._exit(128 + number)


def main(parent: int, command: list[str]) -> int:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        return 128 + signal.SIGTERM
    # and the command ends if this process is killed
    with subprocess.Popen(command, preexec_fn=lambda: prctl(PR_SET_PDEATHSIG,
                                                            signal.SIGKILL)) as child:
        status = child.wait()
    end_all()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
