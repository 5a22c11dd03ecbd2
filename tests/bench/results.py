# SPDX-License-Identifier: GPL-2.0-only
"""What the bench has measured, kept in files of a line of JSON for each run."""
import dataclasses
import json
import threading
from pathlib import Path
from typing import Any


@dataclasses.dataclass(frozen=True)
class Load:
    """tasks_per_cpu: 0 is the idle machine, with one task."""
    workload: str
    cpus: int
    tasks_per_cpu: int

    @property
    def tasks(self) -> int:
        return max(1, self.cpus * self.tasks_per_cpu)

    @property
    def name(self) -> str:
        return self.workload if self.tasks_per_cpu else "idle"


class Results:
    """The runs of each variant under each load, and samples of the queues in its first run."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.lock = threading.Lock()
        self.runs: dict[tuple[str, Load], list[dict[str, int]]] = {}
        self.samples: dict[tuple[str, Load], list[list[int]]] = {}
        for variant, load, figures in self.kept("runs"):
            self.runs.setdefault((variant, load), []).append(figures)
        for variant, load, figures in self.kept("samples"):
            self.samples.setdefault((variant, load), []).append(figures)

    def kept(self, kind: str) -> list[tuple[str, Load, Any]]:
        """What is in a file of this kind."""
        try:
            lines = (self.directory / f"{kind}.jsonl").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        return [(one["variant"], Load(*one["load"]), one["figures"])
                for one in map(json.loads, lines)]

    def keep(self, kind: str, variant: str, load: Load, figures: object) -> None:
        line = json.dumps({"variant": variant, "load": dataclasses.astuple(load),
                           "figures": figures})
        with (self.directory / f"{kind}.jsonl").open("a", encoding="utf-8") as f:
            f.write(line + "\n")

    def of(self, variant: str, load: Load) -> list[dict[str, int]]:
        return self.runs.get((variant, load), [])

    def has_samples(self, variant: str, load: Load) -> bool:
        return (variant, load) in self.samples

    def add(self, variant: str, load: Load, figures: dict[str, int]) -> None:
        """A run: {name: number}"""
        with self.lock:
            self.runs.setdefault((variant, load), []).append(figures)
            self.keep("runs", variant, load, figures)

    def add_sample(self, variant: str, load: Load, figures: list[int]) -> None:
        """Microseconds since the trigger, then the length of each CPU's queue."""
        with self.lock:
            self.samples.setdefault((variant, load), []).append(figures)
            self.keep("samples", variant, load, figures)
