"""What the plots show."""

from __future__ import annotations

from typing import Any

from tools.bench import plots
from tools.bench.plots import Curve
from tools.bench.stages import STAGES


def sample(side: str, count: int, latencies: list[float], **more: Any) -> dict[str, Any]:
    return {
        "scenario": "pods",
        "nodes": "kwok",
        "count": count,
        "side": side,
        "latencies": latencies,
        "rate": float(count),
        **more,
    }


def test_all_repeats_of_a_side_are_one_curve() -> None:
    found = plots.curves(
        [
            sample("virt", 2, [1.0, 3.0]),
            sample("virt", 2, [2.0, 4.0]),
            sample("bare", 2, [1.0]),
            sample("bare", 9, []),
        ]
    )
    assert found == {
        "pods: 2 on KWOK nodes": [
            Curve("virt", [1.0, 2.0, 3.0, 4.0], [0.25, 0.5, 0.75, 1.0]),
            Curve("bare", [1.0], [1.0]),
        ]
    }


def test_growth_needs_two_sizes_and_takes_medians() -> None:
    found = plots.scaling(
        [
            sample("virt", 1, [1.0]),
            sample("virt", 50, [2.0]),
            sample("virt", 50, [4.0]),
            sample("bare", 1, [1.0]),
            sample("virt", 50, [9.0], nodes="real"),
            sample("virt", 50, [9.0], scenario="churn"),
        ],
    )
    assert found == {
        "pods on KWOK nodes: p50, seconds": [Curve("virt", [1.0, 50.0], [1.0, 3.0])],
        "pods on KWOK nodes: pods per second": [Curve("virt", [1.0, 50.0], [1.0, 50.0])],
    }


def test_stages_are_medians_of_the_virtual_bursts() -> None:
    def split(*values: float) -> dict[str, list[float]]:
        return {name: [value] for (name, _), value in zip(STAGES, values, strict=True)}

    found = plots.stages(
        [
            sample("virt", 50, [1.0], stages=split(1, 2, 3, 4, 5)),
            sample("virt", 50, [1.0], stages=split(3, 2, 3, 4, 9)),
            sample("virt", 1, [1.0], stages=split(0, 0, 0, 0, 1)),
            sample("virt", 9, [], stages={name: [] for name, _ in STAGES}),
            sample("bare", 50, [1.0], stages={}),
        ]
    )
    assert found == {
        "pods on KWOK nodes: median of each stage, seconds": {
            "pods": [1.0, 50.0],
            "create": [0.0, 2.0],
            "down": [0.0, 2.0],
            "place": [0.0, 3.0],
            "run": [0.0, 4.0],
            "up": [1.0, 7.0],
        }
    }
