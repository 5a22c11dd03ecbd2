# SPDX-License-Identifier: GPL-2.0-only
"""A shell in a guest of the main kernel, with the module loaded, to look around by hand."""
import dataclasses
import subprocess

from lab import booting, building
from lab.kernels import CACHE, LOGS, MAIN, install

BUSYBOX = "/bin/busybox"


def shell() -> int:
    """Returns QEMU's exit status."""
    install(("tree", "guest", "shell"))
    print(f"Preparing {MAIN.kernel.release} in {CACHE}", flush=True)
    # in a directory of its own, so that it can run beside tests
    initrd = building.build(dataclasses.replace(MAIN, name="shell"), MAIN.kernel.prepare(),
                            programs=(BUSYBOX,))
    LOGS.mkdir(parents=True, exist_ok=True)
    guest = booting.Guest(MAIN.kernel.image_file, initrd,
                          f"{MAIN.kernel.append} quiet case=shell variant=module", LOGS / "shell")
    print("Booting: 8 CPUs in 2 nodes. 'exit' in the shell ends the guest; Ctrl-A X ends it too,\n"
          "whatever it does", flush=True)
    return subprocess.run(guest.command("mon:stdio"), check=False).returncode
