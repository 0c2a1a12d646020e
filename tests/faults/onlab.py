"""The rows that need nodes, Helm and k3s in its pod: end-to-end tests on a lab, as cases."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.faults.case import Result
from tests.lab.paths import REPO

E2E = Path("tests/e2e")
ROWS = {
    "R3": ("containers killed while a Deployment rolls", "test_faults.py"),
    "R10": ("copies deleted and edited under running pods", "test_repair.py"),
    "R20": ("upgrades of k3s and of the chart", "test_upgrade.py"),
    "R21": ("helm delete, the Service deleted", "test_uninstall.py"),
    "R23": ("deletion with grace, by force, with finalizers", "test_deletion.py"),
    "R24": ("drain of a host node", "test_optional.py::test_a_drain_of_the_host_respects"),
}
"""By row: what is done, and the file or the beginning of the test's name."""


def play(
    kubeconfig: Path, takes: Callable[[str], bool], say: Callable[[str], None]
) -> list[Result]:
    """Run the tests of the chosen rows on a lab; return each as a case."""
    results = []
    for row, (fault, where) in ROWS.items():
        if not takes(row):
            continue
        say(f"{row} on the lab: {where}")
        results += _row(kubeconfig, row, fault, where)
    return results


def _row(kubeconfig: Path, row: str, fault: str, where: str) -> list[Result]:
    file, _, name = where.partition("::")
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.xml"
        command = [sys.executable, "-m", "pytest", str(E2E / file), f"--junitxml={report}"]
        command += ["-k", name] if name else []
        environment = {**os.environ, "KUBECONFIG": str(kubeconfig), "VC_E2E_EXTRAS": ""}
        done = subprocess.run(command, cwd=REPO, env=environment, check=False)
        text = report.read_text() if report.exists() else "<testsuites/>"
    return read(row, fault, text) or [
        Result(f"{row}-lab", row, fault, problem=f"no test ran (exit code {done.returncode})")
    ]


def read(row: str, fault: str, report: str) -> list[Result]:
    """Return the tests of a JUnit report as cases; what was skipped is none."""
    found = []
    root = ET.fromstring(report)  # noqa: S314  pytest has just written it
    for case in root.iter("testcase"):
        if case.find("skipped") is not None:
            continue
        name = case.get("name", "").removeprefix("test_").replace("_", "-")
        result = Result(f"{row}-lab-{name}", row, f"{fault} (on a lab)", injected=1)
        result.took = float(case.get("time", "0"))
        broken: Sequence[ET.Element] = [*case.iter("failure"), *case.iter("error")]
        if broken:
            result.problem = (broken[0].get("message") or broken[0].text or "failed")[:600]
        found.append(result)
    return found
