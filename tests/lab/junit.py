# SPDX-License-Identifier: GPL-2.0-only
"""The results of a run as JUnit XML, which continuous integration reads."""
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

from lab import suite

# XML cannot have them, a console can
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
# what a run that has not passed gets
ELEMENTS = {suite.FAIL: "failure", suite.LOST: "error", suite.SKIPPED: "skipped"}


def clean(text: str) -> str:
    return CONTROL.sub("?", text)


def add_case(parent: ET.Element, run: suite.Run) -> None:
    case = ET.SubElement(parent, "testcase", classname=run.target.name, name=run.job.name,
                         time=f"{run.seconds:.0f}")
    if run.result in ELEMENTS:
        ET.SubElement(case, ELEMENTS[run.result], message=clean(run.why))
    if run.lines:
        ET.SubElement(case, "system-out").text = clean("\n".join(run.lines))


def document(runs: Sequence[suite.Run]) -> ET.Element:
    """A test suite for each target."""
    root = ET.Element("testsuites", name="scx_bypass_lb")
    for target in dict.fromkeys(run.target for run in runs):
        of_target = [run for run in runs if run.target == target]
        results = [run.result for run in of_target]
        element = ET.SubElement(root, "testsuite", name=target.name, tests=str(len(results)),
                                failures=str(results.count(suite.FAIL)),
                                errors=str(results.count(suite.LOST)),
                                skipped=str(results.count(suite.SKIPPED)),
                                time=f"{sum(run.seconds for run in of_target):.0f}")
        for run in of_target:
            add_case(element, run)
    return root


def write(runs: Sequence[suite.Run], path: Path) -> None:
    tree = ET.ElementTree(document(runs))
    ET.indent(tree)
    path.parent.mkdir(parents=True, exist_ok=True)
    tree.write(path, encoding="utf-8", xml_declaration=True)
