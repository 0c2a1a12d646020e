"""What zizmor says of the workflows: what of others they run, with which rights, on whose words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.audit import tools
from tests.audit.findings import Finding, Looked
from tests.lab.paths import REPO

PART = "workflows"
OPTIONS = ("--offline", "--no-exit-codes", "--no-progress", "--quiet", "--format", "json-v1")


def look() -> Looked:
    """Read all that there are."""
    files = sorted((REPO / ".github" / "workflows").iterdir())
    looked = read(tools.ask("zizmor", *OPTIONS, *files)[0])
    with_findings = {each.where for each in looked.findings}
    looked.good = len({str(each.relative_to(REPO)) for each in files} - with_findings)
    return looked


def weak(sample: Path) -> Looked:
    """Read a sample."""
    return read(tools.ask("zizmor", *OPTIONS, sample)[0])


def read(answer: list[dict[str, Any]]) -> Looked:
    """Return what its report says."""
    looked = Looked(PART)
    for each in answer:
        (place,) = [p for p in each["locations"] if p["symbolic"]["kind"] == "Primary"]
        where = place["symbolic"]["key"]["Local"]["verbatim_path"].removeprefix(f"{REPO}/")
        line = place["concrete"]["location"]["start_point"]["row"] + 1
        looked.findings.append(Finding(each["ident"], where, f"line {line}: {each['desc']}"))
    return looked
