"""Rows as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tools.bench import stats
from tools.bench.rows import TARGETS, Column, Row, Target
from tools.bench.stages import STAGES

MODEL = "model/"


def markdown(rows: Sequence[Row], targets: Mapping[str, Target] = TARGETS) -> str:
    """Return the table of a run."""
    heads = ("what", "virtual", "bare", "virt/bare", "target", "", "note")
    lines = []
    for row in rows:
        if _stage(row) or row.key.startswith(MODEL):
            continue
        target = targets.get(row.key)
        values = (_value(row.virt, row.unit), _value(row.bare, row.unit), number(row.ratio))
        verdict = target.verdict(row).value if target else ""
        lines.append((row.what, *values, _wanted(target, row.unit), verdict, row.note))
    return _table(heads, lines)


def stages(rows: Sequence[Row]) -> str:
    """Return the table of where a virtual pod's time goes; empty if nothing was split."""
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        if (stage := _stage(row)) and row.virt is not None:
            found.setdefault(row.what.partition(", stage")[0], {})[stage] = row.virt
    if not found:
        return ""
    heads = ("a virtual pod's time, p50 of each stage", *(meaning for _, meaning in STAGES))
    lines = [
        (what, *(_value(values.get(name), "s") for name, _ in STAGES))
        for what, values in found.items()
    ]
    return _table(heads, lines)


def model(rows: Sequence[Row]) -> str:
    """Return the table of what an object costs, by kind and number; empty if it was not measured.

    Where the bare host has the same, its figure stands behind.
    """
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        if row.key.startswith(MODEL):
            bare = "" if row.bare is None else f" ({_value(row.bare, row.unit)})"
            what, _, name = row.key.removeprefix(MODEL).rpartition("/")
            found.setdefault(what, {})[name] = f"{_value(row.virt, row.unit)}{bare}"
    if not found:
        return ""
    heads = ("one object, of so many (bare host)", *(each.value for each in Column))
    lines = [
        (what.replace("/", ", of "), *(values.get(each.name, "") for each in Column))
        for what, values in found.items()
    ]
    return _table(heads, lines)


def comparison(rows: Iterable[Row], earlier: Mapping[str, Row]) -> str:
    """Return the table of two runs: only figures of one machine say something as they are."""
    heads = ("what", "virtual before", "now", "now/before", "virt/bare before", "now")
    lines = []
    for row in rows:
        was = earlier.get(row.key)
        if was is None:
            continue
        change = stats.ratio(row.virt, was.virt)
        lines.append(
            (
                row.what,
                _value(was.virt, was.unit),
                _value(row.virt, row.unit),
                number(change),
                number(was.ratio),
                number(row.ratio),
            )
        )
    return _table(heads, lines) if lines else "Nothing that both runs measured."


def number(value: float | None) -> str:
    """Return three digits that count."""
    if value is None:
        return ""
    if value == 0 or abs(value) >= 100:
        return f"{value:.0f}"
    digits = 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{value:.{digits}f}"


def _stage(row: Row) -> str:
    """Return which stage a row is about, if any."""
    name = row.key.rpartition("/")[2]
    return name if ", stage" in row.what and name in dict(STAGES) else ""


def _value(value: float | None, unit: str) -> str:
    return "" if value is None else f"{number(value)} {unit}".rstrip()


def _wanted(target: Target | None, unit: str) -> str:
    if target is None:
        return ""
    sign = {"<=": "≤", ">=": "≥", "<": "<"}[target.relation]
    if target.figure == "ratio":
        return f"ratio {sign} {number(target.bound)}"
    more = "bare + " if target.figure == "more" else ""
    return f"{sign} {more}{_value(target.bound, unit)}"


def _table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    body = [f"| {' | '.join(cells)} |" for cells in lines]
    return "\n".join([f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}", *body])
