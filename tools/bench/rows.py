"""One line of the result, what it is held against, and whether it gets there."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from tools.bench import stats

_HOLDS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt}


class Verdict(Enum):
    """What became of a target; none of these fails a run."""

    MET = "met"
    MISSED = "missed"
    UNKNOWN = "not measured"


class Column(Enum):
    """What is told of each kind of object: the last part of a row's key, by name."""

    TO_HOST = "host API requests of the syncer"
    TO_VIRT = "virtual API requests of the syncer"
    HOST_ALL = "host API requests of all"
    VIRT_ALL = "virtual API requests of all"
    CPU = "CPU of the syncer"
    CPU_ALL = "CPU of all"
    STORED = "stored, as JSON"

    @property
    def unit(self) -> str:
        """Return what it is counted in."""
        return {Column.CPU: "ms", Column.CPU_ALL: "ms", Column.STORED: "KB"}.get(self, "")


class Target(NamedTuple):
    """A bound of one of a row's figures: `ratio`, `virt`, or `more` (virt minus bare)."""

    figure: str
    relation: str
    bound: float

    def verdict(self, row: Row) -> Verdict:
        """Tell whether a row keeps it."""
        value = {"ratio": row.ratio, "virt": row.virt, "more": row.more}[self.figure]
        if value is None:
            return Verdict.UNKNOWN
        return Verdict.MET if _HOLDS[self.relation](value, self.bound) else Verdict.MISSED


@dataclass(frozen=True)
class Row:
    """One figure of the virtual cluster beside the bare host's."""

    key: str
    """The same in every run: what runs are compared by."""
    what: str
    unit: str = ""
    virt: float | None = None
    bare: float | None = None
    ratio: float | None = None
    note: str = ""

    @property
    def more(self) -> float | None:
        """Return by how much the virtual cluster's is more."""
        return None if self.virt is None or self.bare is None else self.virt - self.bare

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return dict(vars(self))


def of_pairs(
    key: str, what: str, unit: str, virt: list[float], bare: list[float], note: str = ""
) -> Row:
    """Return the row of repeats: medians of both sides, and the median of the pairs' ratios."""
    return Row(
        key,
        what,
        unit,
        stats.median(virt),
        stats.median(bare),
        stats.median(stats.paired(virt, bare)),
        note,
    )


TARGETS = {
    "pods/kwok/500/rate": Target("ratio", ">=", 0.6),
    "pods/kwok/500/p50": Target("ratio", "<=", 3.0),
    "pods/kwok/2000/rate": Target("ratio", ">=", 0.6),
    "pods/kwok/2000/p50": Target("ratio", "<=", 3.0),
    "pods/kwok/2000/lost": Target("virt", "<=", 0),
    "pods/real/60/p50": Target("ratio", "<=", 1.2),
    "pods/real/1/p50": Target("more", "<=", 0.060),
    "install/coredns": Target("virt", "<=", 14.0),
    "restart/converged": Target("virt", "<=", 5.0),
    "restart/unchanged": Target("virt", "<=", 0),
    "rest/rss": Target("virt", "<=", 60.0),
    "rest/cpu": Target("virt", "<", 0.5),
    "rest/writes": Target("virt", "<=", 0),
    "cost/memory": Target("virt", "<=", 15.0),
    "restart/memory": Target("virt", "<=", 15.0),
    "alone/10000/each": Target("virt", "<=", 15.0),
    "alone/10000/writes": Target("virt", "<=", 0),
    "alone/100000/each": Target("virt", "<=", 15.0),
    "alone/100000/writes": Target("virt", "<=", 0),
    "cost/cpu": Target("virt", "<=", 10.0),
    "cost/host": Target("virt", "<=", 6.0),
}
"""What the project wants to show, by a row's key."""
