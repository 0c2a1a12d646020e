"""Stages at the same time: rows that wait most of their time do not hold up those that compute.

A stage has its own API servers, syncer, network and reference run, so that one never meets another.
All of R1 is played on one: its points are those of that stage's own reference run.
"""

from __future__ import annotations

from collections.abc import Sequence

KILLS, WAITS, OTHERS = "kills", "waits", "others"
_ROWS = {
    **dict.fromkeys(("R1", "R3"), KILLS),
    **dict.fromkeys(("R5", "R6", "R15", "R16", "R17", "R18", "R19", "R28"), WAITS),
}
ON_A_LAB = ("R20", "R21", "R22", "R23", "R24")
"""Rows of which nothing is played on a stage (onlab.py)."""


def of(row: str) -> str:
    """Return the lane of a row."""
    return _ROWS.get(row, OTHERS)


def chosen(only: Sequence[str]) -> list[str]:
    """Return the lanes of rows or cases that are named so; all, if none is."""
    if not only:
        return [KILLS, WAITS, OTHERS]
    rows = {each.partition("-")[0] for each in only}
    return sorted({of(row) for row in rows if row not in ON_A_LAB})
