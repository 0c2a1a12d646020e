"""Watches a virtual cluster in which nothing happens, and counts what its syncer writes."""

from __future__ import annotations

import re
import time
from typing import NamedTuple

from tests.e2e.audit import WRITES, AuditLog, Request, account_user
from tests.e2e.cluster import Obj
from tests.e2e.pods import wait_settled
from tests.e2e.release import Release, Virtual
from tests.e2e.waiting import Pending, until

WINDOW = 60.0
COUNTER = re.compile(
    r"virtualcluster_api_requests_total\{(?P<labels>[^}]*)\} (?P<count>[0-9.e+]+)", re.MULTILINE
)
LABEL = re.compile(r'(\w+)="([^"]*)"')
READS = ("GET", "LIST", "WATCH", "HEAD")

Counts = dict[tuple[str, str, str, str], float]


class Observed(NamedTuple):
    """What a window showed."""

    seconds: float
    disturbed: bool
    """Somebody else changed the virtual cluster's host objects meanwhile: it was no rest."""
    writes: dict[tuple[str, str, str, str], float]
    """By the syncer's own count: (side, method, resource, code) → how many."""
    audited: list[Request] | None
    """By the host's audit log; None where it cannot be read."""


class Window:
    """A span of time that begins now."""

    def __init__(self, release: Release, virt: Virtual, audit: AuditLog | None) -> None:
        wait_settled(release, virt)
        self._release = release
        self._virt = virt
        self._audit = audit
        self._calm()
        self._objects = self._versions()
        self._counts = metrics(release)
        self._began, self._since = time.monotonic(), time.time()

    def close(self) -> Observed:
        """Return what it showed, once it has been open long enough."""
        end = self._began + WINDOW
        until("the window has been open long enough", lambda: time.monotonic() > end, WINDOW + 10)
        seconds = time.monotonic() - self._began
        counts, objects = metrics(self._release), self._versions()
        audited = None
        if self._audit is not None:
            user = account_user(self._release.namespace, self._release.name)
            requests = self._audit.requests(user, self._since)
            audited = [each for each in requests if each.verb in WRITES]
        return Observed(seconds, objects != self._objects, writes(self._counts, counts), audited)

    def _calm(self) -> None:
        """Wait until what the tests before did has been dealt with, and no write came for 5 s."""
        until("only the nodes in use are left", self._nodes_in_use, 90)
        wait_calm(self._release, 5, 90)

    def _nodes_in_use(self) -> bool:
        """Tell whether the nodes are gone that the tests' last pods ran on: they stay a while."""
        release = self._release
        own = release.host.api.get("Pod", release.pod, release.namespace)
        used = {pod["spec"].get("nodeName") for pod in [own, *release.host_pods()]}
        nodes = {node["metadata"]["name"] for node in self._virt.api.all("Node")}
        if nodes != used:
            raise Pending(f"nodes {nodes}, in use {used}")
        return True

    def _versions(self) -> dict[str, str]:
        """Return the versions of the pods, whose changes the syncer has to pass on."""
        pods: list[Obj] = self._release.host_pods()
        return {pod["metadata"]["uid"]: pod["metadata"]["resourceVersion"] for pod in pods}


def wait_calm(release: Release, quiet: float, seconds: float) -> None:
    """Wait until the syncer has written nothing for `quiet` seconds."""
    last, since = metrics(release), time.monotonic()

    def calm() -> bool:
        nonlocal last, since
        now = metrics(release)
        if written := writes(last, now):
            last, since = now, time.monotonic()
            raise Pending(str(written))
        return time.monotonic() - since > quiet

    until(f"the syncer has written nothing for {quiet:.0f} s", calm, seconds)


def metrics(release: Release) -> Counts:
    """Return the syncer's counts of its requests, through the host's API server."""
    path = f"/api/v1/namespaces/{release.namespace}/pods/{release.pod}:8081/proxy/metrics"
    text = release.host.api.request("GET", path, headers={"Accept": "text/plain"}).decode()
    found: Counts = {}
    for match in COUNTER.finditer(text):
        labels = dict(LABEL.findall(match["labels"]))
        key = (labels["side"], labels["method"], labels["resource"], labels["code"])
        found[key] = float(match["count"])
    return found


def writes(before: Counts, after: Counts) -> Counts:
    """Return the requests between two counts that were not mere reading."""
    return {
        key: count - before.get(key, 0.0)
        for key, count in after.items()
        if key[1] not in READS and count > before.get(key, 0.0)
    }
