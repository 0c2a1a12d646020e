"""What a person wants to know of the syncer's metrics; the rest is for Prometheus."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

PREFIX = "virtualcluster_"
PLAIN = (
    "ready",
    "workers_busy",
    "queue_oldest_seconds",
    "queue_delayed",
    "deletions_held",
    "datastore_mismatch",
)
IF_ANY = ("unsynced_objects", "refused_objects")
"""Shown by their labels where there are any."""
LAG = "sync_lag_seconds_bucket"
SHARES = (0.5, 0.99)


def figures_of(text: str) -> dict[str, float | str]:
    """Return the figures by name, of what /metrics says."""
    found: dict[str, float | str] = {}
    depth, lag = 0.0, defaultdict[float, float](float)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            name = sample.name.removeprefix(PREFIX)
            if not sample.name.startswith(PREFIX):
                continue
            if name in PLAIN:
                found[name] = sample.value
            elif name == "queue_depth":
                depth += sample.value
                found[name] = depth
            elif name in IF_ANY and sample.value:
                found[f"{name}{{{_labels(sample.labels)}}}"] = sample.value
            elif name == LAG:
                lag[float(sample.labels["le"])] += sample.value
    for share in SHARES:
        if (most := _within(lag, share)) is not None:
            found[f"sync_lag_seconds{{quantile={share}}}"] = most
    return found


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def _within(buckets: Mapping[float, float], share: float) -> float | str | None:
    """Return the bound that this share of all did not pass; None without any."""
    *bounds, infinite = sorted(buckets) or [0.0]
    if not buckets.get(infinite):
        return None
    enough = share * buckets[infinite]
    return next((b for b in bounds if buckets[b] >= enough), f"> {bounds[-1]}")
