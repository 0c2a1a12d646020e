"""What the plots show: how many pods are Ready by when, how it grows, and where the time goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

from tools.bench import stats
from tools.bench.stages import STAGES
from tools.bench.workloads import NODES

Sample = dict[str, Any]
SIDES = {"virt": "virtual cluster", "bare": "bare host"}
_FIGURES: dict[str, Callable[[Sample], float]] = {
    "p50, seconds": lambda sample: stats.percentile(sample["latencies"], 50),
    "pods per second": lambda sample: float(sample["rate"]),
}


class Curve(NamedTuple):
    """One line of a plot."""

    side: str
    x: list[float]
    y: list[float]


Plots = dict[str, list[Curve]]
"""Title → lines."""


def curves(samples: Iterable[Sample]) -> Plots:
    """Return the share of pods that are Ready after so many seconds, all repeats as one."""
    found: dict[str, dict[str, list[float]]] = {}
    for each in samples:
        if each["latencies"]:
            title = f"{each['scenario']}: {each['count']} on {NODES[each['nodes']]}"
            found.setdefault(title, {}).setdefault(each["side"], []).extend(each["latencies"])
    return {
        title: [Curve(side, *stats.steps(values)) for side, values in sides.items()]
        for title, sides in found.items()
    }


def scaling(samples: Iterable[Sample]) -> Plots:
    """Return medians of the repeats by the number of pods in a burst."""
    chosen = [each for each in samples if each["scenario"] == "pods" and each["latencies"]]
    found: Plots = {}
    for nodes, place in NODES.items():
        for title, figure in _FIGURES.items():
            for side in SIDES:
                own = [each for each in chosen if (each["nodes"], each["side"]) == (nodes, side)]
                line = _medians(own, figure)
                if len(line) > 1:
                    curve = Curve(side, [float(count) for count in line], list(line.values()))
                    found.setdefault(f"pods on {place}: {title}", []).append(curve)
    return found


def stages(samples: Iterable[Sample]) -> dict[str, dict[str, list[float]]]:
    """Return title → stage → its median share of a virtual pod's time, by the number of pods.

    The numbers themselves are the row `pods`.
    """
    own = [each for each in samples if each["scenario"] == "pods" and each.get("stages")]
    found: dict[str, dict[str, list[float]]] = {}
    for nodes, place in NODES.items():
        here = [each for each in own if each["nodes"] == nodes and each["stages"]["up"]]
        rows: dict[str, list[float]] = {}
        for stage, _ in STAGES:
            line = _medians(here, partial(_middle, stage))
            rows["pods"] = [float(count) for count in line]
            rows[stage] = list(line.values())
        if rows["pods"]:
            found[f"pods on {place}: median of each stage, seconds"] = rows
    return found


def _middle(stage: str, sample: Sample) -> float:
    return stats.percentile(sample["stages"][stage], 50)


def _medians(samples: Sequence[Sample], figure: Callable[[Sample], float]) -> dict[int, float]:
    """Return number of pods → median of the repeats."""
    found: dict[int, list[float]] = {}
    for each in samples:
        found.setdefault(each["count"], []).append(figure(each))
    return {count: stats.median(found[count]) or 0.0 for count in sorted(found)}
