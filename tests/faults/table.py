"""What came of a run, as tables."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence

from tests.faults.case import Result
from tools.bench.stats import percentile

HEAD = (
    "| row | fault | cases | injected | converged p50 | p99 | lost | doubled | orphaned | verdict |"
)


def ordered(row: str) -> int:
    """Return what rows are sorted by: R2 before R10."""
    found = re.search(r"\d+", row)
    return int(found[0]) if found else 0


def groups(results: Iterable[Result]) -> list[list[Result]]:
    """Return the results by row and fault."""

    def key(each: Result) -> tuple[int, str]:
        return ordered(each.row), each.fault

    return [list(each) for _, each in itertools.groupby(sorted(results, key=key), key=key)]


def markdown(results: Sequence[Result]) -> str:
    """Return the tables: faults, what did not hold, and every case."""
    lines = [HEAD, "|---" * (HEAD.count("|") - 1) + "|"]
    lines += [f"| {' | '.join(_line(group))} |" for group in groups(results)]
    failed = [each for each in results if each.problem]
    if failed:
        lines += ["", "| not held | what was seen |", "|---|---|"]
        lines += [f"| {each.id} | {_cell(each.problem)} |" for each in failed]
    lines += ["", "| case | injected | seconds | notes |", "|---|---|---|---|"]
    for each in sorted(results, key=lambda each: (ordered(each.row), each.id)):
        seconds = ", ".join(f"{value:.1f}" for value in each.seconds)
        notes = _cell("; ".join(each.notes))
        lines.append(f"| {each.id} | {each.injected} | {seconds} | {notes} |")
    return "\n".join(lines) + "\n"


def terminal(results: Sequence[Result]) -> str:
    """Return the table of faults, and what did not hold."""
    rows = [[cell.strip() for cell in HEAD.strip("|").split("|")], *map(_line, groups(results))]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in rows]
    lines += [f"     {each.id}: {each.problem[:600]}" for each in results if each.problem]
    return "\n".join(lines)


def closing(results: Sequence[Result]) -> list[str]:
    """Return the lines that end a run; the one before the last in the test suite's own words."""
    failed = sum(each.failed for each in results)
    return [
        f"{len(results) - failed} passed, {failed} failed, 0 skipped",
        f"{len(results)} cases, {failed} failed",
    ]


def _line(group: Sequence[Result]) -> list[str]:
    seconds = [value for each in group for value in each.seconds]
    converged = [f"{percentile(seconds, p):.1f} s" if seconds else "-" for p in (50, 99)]
    failed = [each for each in group if each.failed]
    sums = [
        str(sum(getattr(each, name) for each in group)) for name in ("lost", "doubled", "orphaned")
    ]
    return [
        group[0].row,
        group[0].fault,
        str(len(group)),
        str(sum(each.injected for each in group)),
        *converged,
        *sums,
        f"NOT HELD: {len(failed)}" if failed else "held",
    ]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")[:500]
