"""The rows that need nodes, Helm and k3s in its pod: end-to-end tests on a lab, as cases."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from lab import extras, registry, teardown
from lab.assets import Assets
from lab.cache import locked
from lab.cli import bring_up
from lab.lab import Lab
from lab.paths import REPO
from lab.progress import Progress
from tests.faults.case import Result

E2E = Path("tests/e2e")


class Row(NamedTuple):
    """What is done, and the file of the tests or the beginning of one's name."""

    row: str
    fault: str
    where: str
    extras: tuple[str, ...] = ()
    """What the lab must have."""
    datastore: str = ""
    breaks: bool = False
    """It breaks a node: on a lab of its own."""


DRAIN = "test_optional.py::test_a_drain_of_the_host_respects"
ROWS = (
    Row("R3", "containers killed while a Deployment rolls", "test_faults.py"),
    Row("R10", "copies deleted and edited under running pods", "test_repair.py"),
    Row("R16", "a leader goes, on PostgreSQL", "test_replicas.py", ("databases",)),
    Row("R16", "a leader goes, on etcd", "test_replicas.py", ("databases",), "etcd"),
    Row("R20", "upgrades of the chart, jumps of k3s", "test_upgrade.py"),
    Row("R21", "helm delete, the Service deleted", "test_uninstall.py"),
    Row("R22", "helm delete and helm install, volumes kept or not", "test_reinstall.py"),
    Row("R23", "deletion with grace, by force, with finalizers", "test_deletion.py"),
    Row("R23", "a node loses its power", "test_power.py", breaks=True),
    Row("R24", "drain of a host node", DRAIN),
)


def play(name: str, takes: Callable[[str], bool], progress: Progress) -> list[Result]:
    """Run the tests of the chosen rows on a lab of this name; return each as a case.

    A lab that is there already stays; one that is made for them goes.
    """
    results = []
    for breaks, lab_name in ((False, name), (True, f"{name}-power")):
        rows = [each for each in ROWS if takes(each.row) and each.breaks == breaks]
        if not rows:
            continue
        with _lab(lab_name, progress) as lab:
            for row in rows:
                progress.say(f"{row.row} on the lab: {row.where}")
                extras.bring(lab, Assets(progress, lab.registration.minor), row.extras)
                results += _row(lab, row)
    return results


@contextlib.contextmanager
def _lab(name: str, progress: Progress) -> Iterator[Lab]:
    stays = registry.find(name) is not None
    try:
        lab, _ = bring_up(progress, name)
        yield lab
    finally:
        found = registry.find(name)
        if found is not None and not stays:
            with locked(found.lock):
                teardown.down(Lab(found, progress))


def _row(lab: Lab, row: Row) -> list[Result]:
    file, _, test = row.where.partition("::")
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.xml"
        command = [sys.executable, "-m", "pytest", str(E2E / file), f"--junitxml={report}"]
        command += ["-k", test] if test else []
        promised = {"KUBECONFIG": str(lab.kubeconfig), "VC_E2E_EXTRAS": ",".join(row.extras)}
        environment = {**os.environ, **promised}
        if row.datastore:
            environment["VC_E2E_DATASTORE"] = row.datastore
        if row.breaks:
            environment["VC_E2E_POWER"] = lab.registration.name
        done = subprocess.run(command, cwd=REPO, env=environment, check=False)
        text = report.read_text() if report.exists() else "<testsuites/>"
    return read(row.row, row.fault, text) or [
        Result(f"{row.row}-lab", row.row, row.fault, problem=f"no test ran ({done.returncode})")
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
