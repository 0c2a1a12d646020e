"""What bandit says of the Python that is shipped: the syncer and the command line."""

from __future__ import annotations

from typing import Any

from lab.errors import LabError
from tools.audit import tools
from tools.audit.findings import Finding, Looked

PART = "code"
SHIPPED = ("syncer", "cli")


def look(*paths: str) -> Looked:
    """Read everything below the paths; comments that switch bandit off count for nothing."""
    options = ("--format", "json", "--quiet", "--exit-zero", "--ignore-nosec")
    answer, _ = tools.ask("bandit", *options, "--recursive", *paths)
    return read(answer)


def read(answer: dict[str, Any]) -> Looked:
    """Return what its report says; each file without a finding is good."""
    if answer["errors"]:
        raise LabError(f"bandit could not read {answer['errors']}")
    looked = Looked(PART)
    for each in answer["results"]:
        where = _path(each["filename"])
        says = f"line {each['line_number']}: {each['issue_text']}"
        looked.findings.append(Finding(each["test_id"], where, says))
    files = {_path(name) for name in answer["metrics"] if name != "_totals"}
    looked.good = len(files - {each.where for each in looked.findings})
    return looked


def _path(name: str) -> str:
    return name.removeprefix("./")
