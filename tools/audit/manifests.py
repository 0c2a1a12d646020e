"""What checkov says of the rendered chart and the Dockerfile of the syncer's image."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.paths import REPO
from lab.versions import DEFAULT_KUBERNETES
from tools.audit import tools
from tools.audit.findings import Finding, Looked
from tools.rendering import rendered

VALUES = Path(__file__).with_name("values")
OPTIONS = ("--output", "json", "--skip-download", "--soft-fail", "--compact")


def chart() -> Looked:
    """Render the chart with its defaults and with each file of `values`; look at all that comes.

    Each by itself: a policy of one must not cover a pod of another.
    """
    files = {"default": [], **{each.stem: [f"--values={each}"] for each in VALUES.iterdir()}}

    def scanned(name: str) -> dict[str, Any]:
        file = Path(scratch) / f"{name}.yaml"
        file.write_text(rendered(f"v{DEFAULT_KUBERNETES}.0", *files[name]))
        return _scan("--file", file, "--framework", "kubernetes")

    looked = Looked("chart")
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(2) as pool:
        for name, answer in zip(files, pool.map(scanned, files), strict=True):
            _add(looked, answer, f"{name}/")
    return looked


def image() -> Looked:
    """Look at what makes the syncer's image."""
    looked = Looked("image")
    _add(looked, _scan("--file", REPO / "syncer" / "Dockerfile", "--framework", "dockerfile"), "")
    return looked


def weak(sample: Path) -> Looked:
    """Look at a sample."""
    looked = Looked("sample")
    _add(looked, _scan("--file", sample, "--framework", "kubernetes"), "")
    return looked


def _scan(*args: str | Path) -> dict[str, Any]:
    answer, _ = tools.ask("checkov", *OPTIONS, *args)
    if not isinstance(answer, dict) or "results" not in answer:
        raise LabError(f"checkov found nothing to look at in {args[1]}")
    return answer


def _add(looked: Looked, answer: dict[str, Any], prefix: str) -> None:
    results = answer["results"]
    if results["parsing_errors"] or results["skipped_checks"]:
        raise LabError(f"checkov left out {results['parsing_errors'] or results['skipped_checks']}")
    looked.good += len(results["passed_checks"])
    for each in results["failed_checks"]:
        where = f"{prefix}{each['resource'].removeprefix(f'{REPO}/').removeprefix('/')}"
        looked.findings.append(Finding(each["check_id"], where, each["check_name"]))
