"""Figures that programs tell of themselves, in Prometheus' text format."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from tools.bench.api import Api

READS = ("GET", "LIST", "WATCH", "HEAD", "CONNECT")
REQUESTS = "apiserver_request_total"
DEPTH = "virtualcluster_queue_depth"  # by lane

Requests = Counter[tuple[str, str]]
"""(verb, resource) → how many."""


def api_requests(text: str) -> Requests:
    """Return what an API server says of its requests, watches left out: they end by time."""
    # Of a server's thousands of lines only these are worth parsing.
    lines = [line for line in text.splitlines(keepends=True) if line.startswith(f"{REQUESTS}{{")]
    return _count("".join(lines), REQUESTS, lambda labels: (labels["verb"], _resource(labels)))


class Syncer(NamedTuple):
    """What the syncer says of itself."""

    ready: bool
    queued: int
    cpu_seconds: float
    resident_bytes: float
    started: float
    """By the machine's wall clock."""
    host: Requests
    virt: Requests


def syncer(text: str) -> Syncer:
    """Return the syncer's own figures."""
    plain: defaultdict[str, float] = defaultdict(float)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if not sample.labels or sample.name == DEPTH:
                plain[sample.name] += sample.value
    return Syncer(
        plain["virtualcluster_ready"] == 1.0,
        int(plain[DEPTH] + plain["virtualcluster_workers_busy"]),
        plain["process_cpu_seconds_total"],
        plain["process_resident_memory_bytes"],
        plain["process_start_time_seconds"],
        _by_syncer(text, "host"),
        _by_syncer(text, "virt"),
    )


def between(before: Requests, after: Requests) -> Requests:
    """Return what was counted in between."""
    return +(after - before)


def writes(counted: Requests) -> Requests:
    """Return those that change something."""
    return Counter({key: n for key, n in counted.items() if key[0] not in READS})


class Usage(NamedTuple):
    """All figures of one moment."""

    syncer: Syncer
    host: Requests
    virt: Requests


class Meter:
    """Reads the figures of a virtual cluster and its host."""

    def __init__(self, host: Api, virt: Api, namespace: str, pod: str) -> None:
        self._host = host
        self._virt = virt
        # Through the host's API server: the one way that every cluster has.
        self._path = f"/api/v1/namespaces/{namespace}/pods/{pod}:8081/proxy/metrics"

    async def syncer(self) -> Syncer:
        """Read the syncer's."""
        return syncer(await self._host.text(self._path))

    async def host(self) -> Requests:
        """Read the host API server's."""
        return api_requests(await self._host.text("/metrics"))

    async def usage(self) -> Usage:
        """Read all."""
        virt = api_requests(await self._virt.text("/metrics"))
        return Usage(await self.syncer(), await self.host(), virt)


def _by_syncer(text: str, side: str) -> Requests:
    return _count(
        text,
        "virtualcluster_api_requests_total",
        lambda labels: (labels["method"], labels["resource"]),
        lambda labels: labels["side"] == side and labels["method"] != "WATCH",
    )


def _resource(labels: Mapping[str, str]) -> str:
    return "/".join(filter(None, (labels.get("resource", ""), labels.get("subresource", ""))))


def _count(
    text: str,
    name: str,
    key: Callable[[Mapping[str, str]], tuple[str, str]],
    wanted: Callable[[Mapping[str, str]], bool] = lambda labels: labels.get("verb") != "WATCH",
) -> Requests:
    found: Requests = Counter()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and wanted(sample.labels):
                found[key(sample.labels)] += int(sample.value)
    return found
