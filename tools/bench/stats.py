"""Figures of figures: percentiles, medians, ratios of pairs."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

PERCENTILES = (50, 90, 99)


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value below which so many percent are, by straight lines between values."""
    if not values:
        raise ValueError("no values, no percentile")
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def median(values: Iterable[float | None]) -> float | None:
    """Return the median of what was measured; None if nothing was."""
    there = [each for each in values if each is not None]
    return statistics.median(there) if there else None


def ratio(virt: float | None, bare: float | None) -> float | None:
    """Return virt/bare; None where that says nothing."""
    return virt / bare if virt is not None and bare else None


def paired(virt: Sequence[float], bare: Sequence[float]) -> list[float]:
    """Return the ratios pair by pair: each pair was measured in the same minute of the machine."""
    found = (ratio(v, b) for v, b in zip(virt, bare, strict=False))
    return [each for each in found if each is not None]


def per_second(sent: Iterable[float], done: Iterable[float]) -> float:
    """Return how many were done per second, from the first one sent to the last one done."""
    ends = list(done)
    span = max(ends) - min(sent)
    return len(ends) / span if span > 0 else float("inf")


def steps(values: Iterable[float]) -> tuple[list[float], list[float]]:
    """Return the curve of what share was done by when: times, and shares from 0 to 1."""
    ordered = sorted(values)
    return ordered, [(number + 1) / len(ordered) for number in range(len(ordered))]
