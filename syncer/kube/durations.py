"""Counts that are cheap enough for every reconcile and request; metrics.py tells them.

No locks and no labels to look up, as a metrics library has: one thread counts, and each place that
counts holds what it counts in.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator

QUICK = (0.005, 0.025, 0.1, 0.25, 1.0, 5.0, 30.0)
"""Seconds: what one request or one reconcile takes, up to a request's own limit of a minute."""
LAGGING = (0.01, 0.05, 0.25, 1.0, 5.0, 30.0, 120.0, 600.0)
"""Seconds: what it takes until both sides are in step again, waits after failures included."""


class Durations:
    """How many of something took how long."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds

    def buckets(self) -> Iterator[tuple[str, int]]:
        """Yield how many took at most as long, by the bound as Prometheus writes it."""
        count = 0
        for bound, more in zip((*self.bounds, float("inf")), self.counts, strict=True):
            count += more
            yield "+Inf" if bound == float("inf") else repr(bound), count


class Work:
    """What was done for the keys of one kind."""

    __slots__ = ("lag", "results", "took")

    def __init__(self) -> None:
        self.took = Durations(QUICK)
        self.lag = Durations(LAGGING)
        self.results: Counter[str] = Counter()
