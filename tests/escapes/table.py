"""What came of the cases and of the guards, as tables."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence

from tests.escapes.case import Result
from tests.escapes.controls import Removed


def ordered(row: str) -> tuple[str, int]:
    """Return what rows are sorted by: A2 before A10."""
    found = re.fullmatch(r"([A-Z])(\d*)", row)
    return (found[1], int(found[2] or 0)) if found else (row, 0)


def rows(results: Iterable[Result]) -> list[tuple[str, list[Result]]]:
    """Return the results by row."""
    by_row = sorted(results, key=lambda each: (ordered(each.row), each.id))
    return [(row, list(each)) for row, each in itertools.groupby(by_row, key=lambda x: x.row)]


def markdown(results: Sequence[Result], removed: Sequence[Removed]) -> str:
    """Return the tables: rows, what did not hold, guards, and every case."""
    lines = ["| row | cases | held | verdict |", "|---|---|---|---|"]
    for row, each in rows(results):
        held = sum(not result.problem for result in each)
        verdict = (
            "held"
            if held == len(each)
            else "**not held**: " + ", ".join(r.id for r in each if r.problem)
        )
        lines.append(f"| {row} | {len(each)} | {held} | {verdict} |")
    failed = [each for each in results if each.problem]
    if failed:
        lines += ["", "| not held | tries | why, or what was seen |", "|---|---|---|"]
        lines += [f"| {e.id} | {e.tries} | {_cell(e.known or e.problem)} |" for e in failed]
    if removed:
        lines += ["", "| guard taken out | where | caught by |", "|---|---|---|"]
        lines += [
            f"| {e.guard} | `{e.where}` | {', '.join(e.caught) or '**nothing**'} |" for e in removed
        ]
    lines += ["", "| case | tries | verdict |", "|---|---|---|"]
    lines += [
        f"| {e.id} | {e.tries} | {'not held' if e.problem else 'held'} |"
        for _, each in rows(results)
        for e in each
    ]
    return "\n".join(lines) + "\n"


def terminal(results: Sequence[Result]) -> str:
    """Return the rows, and what did not hold, for a terminal."""
    lines = []
    for row, each in rows(results):
        failed = [result for result in each if result.problem]
        verdict = "NOT HELD" if failed else "held"
        lines.append(f"{row:4} {len(each):4} cases  {verdict}")
        lines += [f"     {result.id}: {result.tries}: {result.problem[:300]}" for result in failed]
    return "\n".join(lines)


def closing(results: Sequence[Result], removed: Sequence[Removed]) -> list[str]:
    """Return the lines that end a run; the one before the last in the test suite's own words."""
    failed, known = sum(each.failed for each in results), sum(bool(e.known) for e in results)
    missed = sum(not each.caught for each in removed)
    lines = []
    if removed:
        share = 100 * (len(removed) - missed) // len(removed)
        lines.append(f"{len(removed)} guards taken out, {len(removed) - missed} caught ({share} %)")
    passed = len(results) - failed - known + len(removed) - missed
    line = f"{passed} passed, {failed + missed} failed, 0 skipped"
    lines.append(f"{line}, {known} known" if known else line)
    lines.append(f"{len(results)} cases, {failed + known} failed")
    return lines


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")[:400]
