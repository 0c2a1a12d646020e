"""Compares what was seen with what is expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.contract.known import Difference, excuse
from tests.contract.row import Row, Seen, problem
from tests.contract.subject import STAND_IN, Subject

OK, FAILED, DIFFERS = "ok", "FAILED", "differs"


@dataclass(frozen=True)
class Verdict:
    """What came of one assertion about one server."""

    subject: Subject
    assertion: str
    state: str
    why: str = ""


def judge(
    rows: Sequence[Row], seen: Mapping[Subject, Seen], known: Sequence[Difference]
) -> list[Verdict]:
    """Return a verdict for every assertion about every server that it says anything about."""
    return [
        verdict(row, subject, what, known)
        for row in rows
        for subject, what in seen.items()
        if row.applies(what["minor"])
    ]


def verdict(row: Row, subject: Subject, seen: Seen, known: Sequence[Difference]) -> Verdict:
    """Judge one assertion; only the stand-in may differ, and only in what is listed."""
    wrong = problem(row, seen, seen["minor"])
    reason = excuse(known, row.name, subject.minor) if subject.kind == STAND_IN else None
    if reason is None:
        return Verdict(subject, row.name, FAILED if wrong else OK, wrong)
    if not wrong:
        why = "differences.yaml says that the stand-in differs here, and it does not any more"
        return Verdict(subject, row.name, FAILED, why)
    return Verdict(subject, row.name, DIFFERS, f"{wrong} ({reason.reason})")
