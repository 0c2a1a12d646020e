"""One metric: what it is called, what it tells, and how it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from syncer.kube.durations import Durations
from syncer.telemetry.readiness import Progress

Sample = tuple[tuple[str, ...], float | Durations]
"""The labels' values, and how much."""
Read = Callable[[Progress], Iterable[Sample]]
GAUGE, COUNTER, HISTOGRAM = "gauge", "counter", "histogram"


class Family(NamedTuple):
    """A metric; what is read may be nothing as long as the part that it is about is not there."""

    name: str
    type: str
    text: str
    labels: tuple[str, ...]
    read: Read

    def metric(self, progress: Progress) -> Metric:
        """Return it as it now is."""
        if self.type == HISTOGRAM:
            return self._histogram(progress)
        make = CounterMetricFamily if self.type == COUNTER else GaugeMetricFamily
        metric = make(self.name, self.text, labels=self.labels)
        for labels, value in self.read(progress):
            if not isinstance(value, Durations):
                metric.add_metric(labels, float(value))
        return metric

    def _histogram(self, progress: Progress) -> Metric:
        metric = HistogramMetricFamily(self.name, self.text, labels=self.labels)
        for labels, value in self.read(progress):
            if isinstance(value, Durations):
                metric.add_metric(labels, list(value.buckets()), value.total)
        return metric
