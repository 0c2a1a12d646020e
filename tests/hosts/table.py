"""What came of every version and case, as one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lab.progress import span
from tools.suite import Outcome

LAB, INSTALL, UPGRADE, K3S, E2E = CASES = (
    *("cluster", "ct install", "ct upgrade", "k3s upgrade"),
    "end to end",
)


@dataclass
class Row:
    """One version."""

    minor: str
    k3s: str
    provider: str = ""
    """What the host cluster is, if it is no lab."""
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    """Case → what came of it; a case that is not there was not run."""

    @property
    def good(self) -> bool:
        """Tell whether something was run, and nothing failed."""
        return bool(self.outcomes) and not any(each.failed for each in self.outcomes.values())


def markdown(rows: Sequence[Row], cases: Sequence[str]) -> str:
    """Return the table; a case that was to be run and was not says so."""
    heads = ("host", "k3s", *cases, "all")
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for row in rows:
        host = f"{row.minor}, {row.provider}" if row.provider else row.minor
        cells = [_cell(case, row.outcomes.get(case)) for case in cases]
        seconds = sum(each.seconds for each in row.outcomes.values())
        total = f"{'ok' if _complete(row, cases) else 'FAILED'} {span(seconds)}"
        lines.append(f"| {' | '.join((host, row.k3s, *cells, total))} |")
    return "\n".join(lines)


def closing(rows: Sequence[Row], cases: Sequence[str]) -> tuple[str, bool]:
    """Return the line that ends a run, in the test suite's own words, and whether all is well."""
    passed = sum(each.passed for row in rows for each in row.outcomes.values())
    skipped = sum(each.skipped for row in rows for each in row.outcomes.values())
    failed = sum(each.failed for row in rows for each in row.outcomes.values())
    failed += sum(case not in row.outcomes for row in rows for case in cases)
    line = f"{passed} passed, {failed} failed, {skipped} skipped"
    return line, bool(rows) and all(_complete(row, cases) for row in rows)


def _complete(row: Row, cases: Sequence[str]) -> bool:
    return row.good and all(case in row.outcomes for case in cases)


def _cell(case: str, outcome: Outcome | None) -> str:
    if outcome is None:
        return "not run"
    took = span(outcome.seconds)
    if case == E2E:
        counts = f"{outcome.passed} passed, {outcome.failed} failed"
        counts += f", {outcome.skipped} skipped" if outcome.skipped else ""
        return f"{counts} {took}"
    if outcome.failed:
        return f"FAILED {took}"
    return f"ok, {outcome.skipped} skipped {took}" if outcome.skipped else f"ok {took}"
