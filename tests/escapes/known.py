"""What is known not to hold, and why."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import yaml

from tests.escapes.case import Result

FILE = Path(__file__).with_name("known.yaml")


def reasons() -> dict[str, str]:
    """Return case → reason."""
    found: dict[str, str] = yaml.safe_load(FILE.read_text())
    return found


def marked(results: Iterable[Result]) -> list[Result]:
    """Return the results, with what is known told; one that holds against expectation fails."""
    known = reasons()
    made = []
    for each in results:
        reason = known.get(each.id, "")
        if reason and not each.problem:
            each.problem = "known.yaml says that it does not hold, and it does: take it out there"
            reason = ""
        each.known = reason
        made.append(each)
    return made
