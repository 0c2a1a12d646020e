"""The verdicts as one table: a line for each assertion, a column for each server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tests.contract.judge import DIFFERS, FAILED, OK, Verdict
from tests.contract.subject import REAL, STAND_IN, Subject

NOT_GIVEN, NOT_ASSERTED = "not given", "-"


def markdown(minors: Sequence[str], subjects: Sequence[Subject], verdicts: list[Verdict]) -> str:
    """Return the table, and below it why what is not ok is not."""
    columns = [column for minor in minors for column in _columns(minor, subjects)]
    cells = {(each.assertion, each.subject): each for each in verdicts}
    lines = [
        f"| k3s | {' | '.join(head for head, _ in columns)} |",
        f"|{'---|' * (len(columns) + 1)}",
    ]
    for assertion in dict.fromkeys(each.assertion for each in verdicts):
        line = [_cell(cells.get((assertion, s)) if s else None, s) for _, s in columns]
        lines.append(f"| {assertion} | {' | '.join(line)} |")
    return "\n".join([*lines, *_reasons(verdicts)])


def closing(
    minors: Sequence[str], subjects: Sequence[Subject], verdicts: Sequence[Verdict]
) -> tuple[str, bool]:
    """Return the line that ends a run, and whether all is well.

    A version without a real server is one thing skipped.
    """
    counts = Counter(each.state for each in verdicts)
    given = {each.minor for each in subjects if each.kind == REAL}
    skipped = sum(minor not in given for minor in minors)
    line = f"{counts[OK]} passed, {counts[FAILED]} failed, {skipped} skipped"
    line += f", {counts[DIFFERS]} known" if counts[DIFFERS] else ""
    return line, bool(verdicts) and not counts[FAILED]


def _columns(minor: str, subjects: Sequence[Subject]) -> list[tuple[str, Subject | None]]:
    found: list[tuple[str, Subject | None]] = [
        (f"{each.kind} {each.release}", each)
        for kind in (STAND_IN, REAL)
        for each in subjects
        if each.minor == minor and each.kind == kind
    ]
    if not any(each and each.kind == REAL for _, each in found):
        found.append((f"real {minor}", None))
    return found


def _cell(verdict: Verdict | None, subject: Subject | None) -> str:
    if subject is None:
        return NOT_GIVEN
    return verdict.state if verdict else NOT_ASSERTED


def _reasons(verdicts: Sequence[Verdict]) -> list[str]:
    lines = []
    for each in sorted(verdicts, key=lambda x: x.state != FAILED):
        if each.state != OK:
            who = f"{each.subject.kind} {each.subject.release}"
            lines.append(f"- {each.state}: {who}: {each.assertion}: {each.why}")
    return ["", *lines] if lines else []
