"""What goes between the syncer and the two API servers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from syncer.kube.reflector import REASONS, Reflector
from syncer.kube.transport import NO_ANSWER
from syncer.telemetry.metrics.family import COUNTER, GAUGE, HISTOGRAM, Family, Sample
from syncer.telemetry.readiness import Progress

FAILURES = {
    "no_answer": "the API server did not answer",
    "server_error": "it answered with a status of 500 or more",
}


def _reflectors(progress: Progress) -> list[Reflector]:
    return progress.sources.reflectors if progress.sources is not None else []


def _requests(progress: Progress) -> Iterator[Sample]:
    for client in progress.clients:
        for (method, resource, status), count in client.requests.items():
            yield (client.side, method, resource, str(status or "<error>")), count


def _failures(progress: Progress) -> Iterator[Sample]:
    for client in progress.clients:
        found = dict.fromkeys(FAILURES, 0)  # there from the start, so that the first one counts
        for (_method, _resource, status), count in client.requests.items():
            if status == NO_ANSWER:
                found["no_answer"] += count
            elif status >= 500:  # noqa: PLR2004
                found["server_error"] += count
        yield from (((client.side, reason), count) for reason, count in found.items())


def _heard(progress: Progress) -> Iterator[Sample]:
    oldest: dict[tuple[str, str], float] = {}
    for each in _reflectors(progress):
        if each.heard:
            labels = (each.client.side, each.resource.plural)
            oldest[labels] = min(each.heard, oldest.get(labels, each.heard))
    yield from oldest.items()


def _restarts(progress: Progress) -> Iterator[Sample]:
    found: Counter[tuple[str, str, str]] = Counter()
    for each in _reflectors(progress):
        for reason in REASONS:
            found[each.client.side, each.resource.plural, reason] += each.restarts[reason]
    yield from found.items()


def _objects(progress: Progress) -> Iterator[Sample]:
    found: dict[tuple[str, str], int] = {}
    for each in _reflectors(progress):
        # Of several watches of one resource the first is the one for what is mirrored.
        found.setdefault((each.client.side, each.resource.plural), len(each.store))
    yield from found.items()


FAMILIES = (
    Family(
        "virtualcluster_objects",
        GAUGE,
        'Objects in the informer cache: with side "virt" all, with side "host" those of this'
        " virtual cluster, and all readable events and nodes.",
        ("side", "resource"),
        _objects,
    ),
    Family(
        "virtualcluster_api_requests_total",
        COUNTER,
        'Requests to an API server by status code; "<error>" if it did not answer.',
        ("side", "method", "resource", "code"),
        _requests,
    ),
    Family(
        "virtualcluster_api_failures_total",
        COUNTER,
        "Requests that failed because of the API server.",
        ("side", "reason"),
        _failures,
    ),
    Family(
        "virtualcluster_api_request_duration_seconds",
        HISTOGRAM,
        "Time from sending a request to the start of the response, without watches.",
        ("side", "method"),
        lambda progress: (
            ((client.side, method), took)
            for client in progress.clients
            for method, took in client.took.items()
        ),
    ),
    Family(
        "virtualcluster_api_throttled_seconds_total",
        COUNTER,
        "Total time that requests waited for the client's rate limit or for a Retry-After of the"
        " server.",
        ("side",),
        lambda progress: (((client.side,), client.throttled) for client in progress.clients),
    ),
    Family(
        "virtualcluster_watch_last_heard_timestamp_seconds",
        GAUGE,
        "Time of the last event, bookmark or list of a watch. With several watches of a resource,"
        " the oldest of these times.",
        ("side", "resource"),
        _heard,
    ),
    Family(
        "virtualcluster_watch_restarts_total",
        COUNTER,
        "Restarts of a watch, by reason.",
        ("side", "resource", "reason"),
        _restarts,
    ),
)
