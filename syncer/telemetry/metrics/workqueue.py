"""What is done, what waits to be done, and what does not get through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from syncer.sync.controller import WORKERS, Controller
from syncer.sync.retry_policy import RESULTS
from syncer.telemetry.metrics.family import COUNTER, GAUGE, HISTOGRAM, Family, Read, Sample
from syncer.telemetry.readiness import Progress


def _of(read: Callable[[Controller], Iterable[Sample]]) -> Read:
    def reads(progress: Progress) -> Iterable[Sample]:
        return read(progress.controller) if progress.controller is not None else ()

    return reads


def _results(controller: Controller) -> Iterator[Sample]:
    for kind, work in controller.attempts.work.items():
        # All results from the start: what springs up with 1 has not grown, to Prometheus.
        yield from (((kind, result), work.results[result]) for result in RESULTS)


def _unsynced(controller: Controller) -> Iterator[Sample]:
    attempts = controller.attempts
    found = Counter((key.kind, each.result) for key, each in attempts.unsynced.items())
    for kind in attempts.work:
        yield from (((kind, result), found[kind, result]) for result in RESULTS if result != "done")


def _refused(controller: Controller) -> Iterator[Sample]:
    attempts = controller.attempts
    found = Counter((k.kind, each.reason) for k, each in attempts.unsynced.items() if each.reason)
    # What was refused once stays, with nothing: to Prometheus the last value lasts a while else.
    yield from ((labels, found[labels]) for labels in attempts.refusals)


FAMILIES = (
    Family(
        "virtualcluster_queue_depth",
        GAUGE,
        "Keys that wait for a worker: what the host says of pods goes ahead of other live changes,"
        " these before the backlog of a start, mere news (events) behind all.",
        ("lane",),
        _of(lambda c: (((lane,), depth) for lane, depth in c.queue.lanes().items())),
    ),
    Family(
        "virtualcluster_queue_delayed",
        GAUGE,
        "Keys that come later: after a failure, or when tokens are to be renewed.",
        (),
        _of(lambda c: [((), c.queue.delayed())]),
    ),
    Family(
        "virtualcluster_queue_oldest_seconds",
        GAUGE,
        "For how long the key that waits longest, or is worked on longest, does so.",
        (),
        _of(lambda c: [((), c.queue.oldest())]),
    ),
    Family(
        "virtualcluster_workers",
        GAUGE,
        "Workers, each of which reconciles one key at a time.",
        (),
        lambda _: [((), WORKERS)],
    ),
    Family(
        "virtualcluster_workers_busy",
        GAUGE,
        "Workers that have a key.",
        (),
        _of(lambda c: [((), c.queue.at_work())]),
    ),
    Family(
        "virtualcluster_sync_lag_seconds",
        HISTOGRAM,
        "From a change that a watch showed to the end of the reconcile that took it in, waits"
        " after failures included. What waits for another object counts from that one's arrival.",
        ("kind",),
        _of(lambda c: (((kind,), work.lag) for kind, work in c.attempts.work.items())),
    ),
    Family(
        "virtualcluster_reconcile_duration_seconds",
        HISTOGRAM,
        "What one attempt to bring one key in step takes, requests included.",
        ("kind",),
        _of(lambda c: (((kind,), work.took) for kind, work in c.attempts.work.items())),
    ),
    Family(
        "virtualcluster_reconciles_total",
        COUNTER,
        "Attempts to bring a key in step, by what they came to.",
        ("kind", "result"),
        _of(_results),
    ),
    Family(
        "virtualcluster_unsynced_objects",
        GAUGE,
        "Objects that are not in step now, by what their last attempt came to.",
        ("kind", "result"),
        _of(_unsynced),
    ),
    Family(
        "virtualcluster_refused_objects",
        GAUGE,
        "Objects that are refused now, by the reason in the Warning that their tenant reads.",
        ("kind", "reason"),
        _of(_refused),
    ),
    Family(
        "virtualcluster_refusals_total",
        COUNTER,
        "Refusals; what is refused is tried again after minutes, and counted again.",
        ("kind", "reason"),
        _of(lambda c: c.attempts.refusals.items()),
    ),
    Family(
        "virtualcluster_tokens_issued_total",
        COUNTER,
        "Service account tokens that the virtual API issued for pods.",
        (),
        _of(lambda c: [((), c.tokens.issued)]),
    ),
    Family(
        "virtualcluster_tokens_renewed_total",
        COUNTER,
        "Pods whose tokens were renewed before they ended.",
        (),
        _of(lambda c: [((), c.tokens.renewed)]),
    ),
)
