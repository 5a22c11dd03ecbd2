# SPDX-License-Identifier: GPL-2.0-only
"""What the bench has measured, kept in files of a line of JSON for each run."""
import dataclasses
import json
import os
import threading


@dataclasses.dataclass(frozen=True)
class Load:
    """tasks_per_cpu: 0 is the idle machine, with one task."""
    workload: str
    cpus: int
    tasks_per_cpu: int

    @property
    def tasks(self):
        return max(1, self.cpus * self.tasks_per_cpu)

    @property
    def name(self):
        return self.workload if self.tasks_per_cpu else "idle"


class Results:
    """The runs of each variant under each load, and samples of the queues in its first run."""

    def __init__(self, directory):
        os.makedirs(directory, exist_ok=True)
        self.paths = {kind: os.path.join(directory, kind + ".jsonl")
                      for kind in ("runs", "samples")}
        self.runs, self.samples = {}, {}
        self.lock = threading.Lock()
        for kind, store in (("runs", self.runs), ("samples", self.samples)):
            if not os.path.exists(self.paths[kind]):
                continue
            with open(self.paths[kind], encoding="utf-8") as f:
                for line in f:
                    one = json.loads(line)
                    store.setdefault((one["variant"], Load(*one["load"])), []).append(
                        one["figures"])

    def of(self, variant, load):
        return self.runs.get((variant, load), [])

    def has_samples(self, variant, load):
        return (variant, load) in self.samples

    def add(self, variant, load, figures):
        """A run: {name: number}"""
        self._add("runs", self.runs, variant, load, figures)

    def add_sample(self, variant, load, figures):
        """Microseconds since the trigger, then the length of each CPU's queue."""
        self._add("samples", self.samples, variant, load, figures)

    def _add(self, kind, store, variant, load, figures):
        line = json.dumps({"variant": variant, "load": dataclasses.astuple(load),
                           "figures": figures})
        with self.lock:
            store.setdefault((variant, load), []).append(figures)
            with open(self.paths[kind], "a", encoding="utf-8") as f:
                f.write(line + "\n")
