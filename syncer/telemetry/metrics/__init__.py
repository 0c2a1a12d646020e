"""The syncer's metrics: one table, read when Prometheus asks.

What happens often is counted where it happens (kube/durations.py); all else is looked up. No label
says anything of a tenant: there are kinds, sides, versions, and words that stand in these sources.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from syncer.telemetry.metrics import api_clients, state, workqueue
from syncer.telemetry.metrics.family import Family
from syncer.telemetry.readiness import Progress

FAMILIES: tuple[Family, ...] = (*state.FAMILIES, *workqueue.FAMILIES, *api_clients.FAMILIES)


class Metrics(Collector):
    """What the syncer says of itself."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        for family in FAMILIES:
            yield family.metric(self._progress)
