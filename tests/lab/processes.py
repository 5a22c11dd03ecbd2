# SPDX-License-Identifier: GPL-2.0-only
"""Other programs. What is started here does not outlive this process, not even if it is
killed: see tether.py."""
import os
import sys
from pathlib import Path


def tethered(*command: str | Path) -> list[str]:
    """The command, on a tether to this process. Ended by SIGTERM it ends all that it has
    started."""
    return [sys.executable, str(Path(__file__).with_name("tether.py")), str(os.getpid()),
            *map(str, command)]
