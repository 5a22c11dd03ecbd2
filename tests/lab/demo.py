# SPDX-License-Identifier: GPL-2.0-only
"""Draw what the demo's guest reports: queue lengths of 8 CPUs over time."""
import concurrent.futures
from collections.abc import Sequence
from pathlib import Path

from lab import booting, building
from lab.kernels import CACHE, LOGS, MAIN, install

TIMEOUT = 1200
BARS = "·▁▂▃▄▅▆▇█"
TITLES = {
    "off": "Tasks have piled up on CPU 0 in bypass; the balancer is off (bypass_lb_intv_us=0)",
    "on": "The balancer is switched on (bypass_lb_intv_us=500000)",
    "begins": "A scheduler has piled its tasks up on CPU 0; bypass begins",
}


def bar(value: int, longest: int) -> str:
    if not value:
        return BARS[0]
    return BARS[max(1, round(value / longest * (len(BARS) - 1)))]


class Chart:
    """Prints a row for each sample as it comes, with a heading for each part."""

    def __init__(self) -> None:
        self.samples: dict[str, list[list[int]]] = {}
        self.longest = 1
        self.moved: dict[str, int] = {}
        self.gone: dict[str, int] = {}

    def on_line(self, kind: str, text: str) -> None:
        words = text.split()
        if kind == "fail":
            print("FAILED", text, flush=True)
        elif kind == "info" and words[0] == "sample":
            self.sample(words[1], int(words[2]), [int(w) for w in words[3:]])
        elif kind == "info" and words[0] == "moved":
            self.moved[words[1]] = int(words[2])
        elif kind == "info" and words[0] == "gone":
            self.gone[words[1]] = int(words[2])
            print(f"  SysRq-S: the scheduler is gone after {words[2]} ms of guest time",
                  flush=True)

    def sample(self, part: str, ms: int, queues: Sequence[int]) -> None:
        if part not in self.samples:
            self.samples[part] = []
            print(f"\n{TITLES[part]}\n\n             ---------- node 0 ----------"
                  "  ---------- node 1 ----------\n        CPU  "
                  + "".join(f"{cpu:>6}{'  ' if cpu == 3 else ' '}" for cpu in range(8)))
        self.samples[part].append(list(queues))
        self.longest = max([self.longest, *queues])
        cells = [f"{q:>4} {bar(q, self.longest)}" + ("  " if cpu == 3 else " ")
                 for cpu, q in enumerate(queues)]
        print(f"  {ms:>5} ms   " + "".join(cells), flush=True)


def prepare() -> tuple[Path, Path]:
    """Returns the kernel's directory and the guest's initramfs."""
    print(f"Preparing {MAIN.kernel.release} in {CACHE}", flush=True)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        fetched = pool.submit(MAIN.kernel.fetch)
        install(("tree", "guest"))
        fetched.result()
    kernel = MAIN.kernel.prepare()
    return kernel, building.build(MAIN, kernel)


def demo() -> int:
    """Returns the exit status."""
    _, initrd = prepare()
    LOGS.mkdir(parents=True, exist_ok=True)
    # instructions are counted, so that a busy host changes no figure
    guest = booting.Guest(MAIN.kernel.image_file, initrd,
                          f"{MAIN.kernel.append} case=demo variant=module", LOGS / "demo",
                          booting.MACHINES["counted"])
    print("Booting the stock kernel: 8 CPUs in 2 nodes, 120 spinning tasks, a BPF scheduler\n"
          "that piles all of them on CPU 0 (a minute or two)", flush=True)

    for _ in range(booting.BOOTS):
        chart = Chart()
        result = booting.run(guest, TIMEOUT, chart.on_line)
        if not result.emulator_fault:
            break
        print("\nQEMU itself has failed (a stale breakpoint, see tests/lab/booting.py): once more",
              flush=True)
    if result.lost or result.splats or result.faults or len(chart.gone) != 2:
        print(f"The demo has failed, see {result.console}")
        return 1
    off, on, begins = (chart.samples[part][-1] for part in TITLES)
    print(f"\nShown: with the balancer off CPU 0 kept {off[0]} of {sum(off)} waiting tasks; with it "
          f"on, {chart.moved['on']} were moved, and the\nlongest queue of node 0 was {max(on[:4])}. "
          f"As bypass began {chart.moved['begins']} tasks were delivered to other CPUs, and the longest\n"
          f"queue was {max(begins[:4])}. Nothing crossed nodes, and rmmod put the kernel back.")
    return 0
