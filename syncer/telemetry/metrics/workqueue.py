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
        "Keys in the work queue, by lane: pod updates of the host come first, then other live"
        " changes, then the backlog of a start, then events.",
        ("lane",),
        _of(lambda c: (((lane,), depth) for lane, depth in c.queue.lanes().items())),
    ),
    Family(
        "virtualcluster_queue_delayed",
        GAUGE,
        "Keys that are requeued with a delay: after a failure, or for the renewal of tokens.",
        (),
        _of(lambda c: [((), c.queue.delayed())]),
    ),
    Family(
        "virtualcluster_queue_oldest_seconds",
        GAUGE,
        "Age of the oldest key that waits or is being reconciled.",
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
        "Workers that are reconciling a key.",
        (),
        _of(lambda c: [((), c.queue.at_work())]),
    ),
    Family(
        "virtualcluster_sync_lag_seconds",
        HISTOGRAM,
        "Time from a watch event to the end of the reconcile that handled it, including retries."
        " An object that waits for another counts from the arrival of that object.",
        ("kind",),
        _of(lambda c: (((kind,), work.lag) for kind, work in c.attempts.work.items())),
    ),
    Family(
        "virtualcluster_reconcile_duration_seconds",
        HISTOGRAM,
        "Duration of one reconcile of one key, including requests.",
        ("kind",),
        _of(lambda c: (((kind,), work.took) for kind, work in c.attempts.work.items())),
    ),
    Family(
        "virtualcluster_reconciles_total",
        COUNTER,
        "Reconciles, by result.",
        ("kind", "result"),
        _of(_results),
    ),
    Family(
        "virtualcluster_unsynced_objects",
        GAUGE,
        "Objects that are not in sync, by the result of their last reconcile.",
        ("kind", "result"),
        _of(_unsynced),
    ),
    Family(
        "virtualcluster_refused_objects",
        GAUGE,
        "Objects that are refused now, by the reason of the Warning event.",
        ("kind", "reason"),
        _of(_refused),
    ),
    Family(
        "virtualcluster_refusals_total",
        COUNTER,
        "Refusals. A refused object is retried after minutes, and counted again.",
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
        "Pods whose tokens were renewed before they expired.",
        (),
        _of(lambda c: [((), c.tokens.renewed)]),
    ),
)
