"""A virtual cluster from `helm install` to its CoreDNS, and from `helm delete` to nothing left."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Collection

from tests.bench.context import Context
from tests.bench.installation import connect, exposed, namespaces
from tests.bench.rows import Row
from tests.bench.stats import median
from tests.e2e.cluster import Cluster
from tests.e2e.release import Release
from tests.e2e.waiting import Pending, until

TIMES = 3
LEFT = 60.0  # seconds for what a release made to go
# What may hold something of a release. Leases and Endpoints follow from others.
KINDS = (
    *("Pod", "Service", "ConfigMap", "Secret", "ServiceAccount", "PersistentVolumeClaim"),
    *("StatefulSet", "Role", "RoleBinding"),
)
STEPS = {
    "api": "virtual API answers",
    "helm": "helm install --wait returns",
    "coredns": "CoreDNS is Ready",
    "gone": "helm delete until nothing is left",
}


def measure(context: Context) -> None:
    """Add the rows of several installations, each alone."""
    found = [_once(context) for _ in range(context.times(TIMES))]
    for key, what in STEPS.items():
        values = [each[key] for each in found]
        note = f"{len(values)} times: {', '.join(f'{each:.1f}' for each in sorted(values))}"
        begin = "" if key == "gone" else "install: until "
        context.row(Row(f"install/{key}", f"{begin}{what}", "s", median(values), note=note))


def _once(context: Context) -> dict[str, float]:
    target, host = context.installation.target, context.installation.host
    with namespaces(host, "install") as (space,):
        empty = _names(host.api, space)
        release = Release(host, "timed", space, target.scratch)
        took: dict[str, float] = {}
        begin = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            helm = pool.submit(_helm, release, exposed(host, target.values))
            until(
                "the release's Service is there",
                lambda: host.api.find("Service", release.name, space),
            )
            connect(host, release, target.scratch)
            took["api"] = time.monotonic() - begin
            took["coredns"] = release.wait_coredns() - begin
            took["helm"] = helm.result() - begin
        begin = time.monotonic()
        release.uninstall()
        until("nothing is left", lambda: _nothing_beyond(host.api, space, empty), LEFT)
        took["gone"] = time.monotonic() - begin
    context.say(f"installed: {', '.join(f'{key} {took[key]:.1f} s' for key in STEPS)}")
    return took


def _helm(release: Release, values: dict[str, object]) -> float:
    release.install(values)
    return time.monotonic()


def _nothing_beyond(host: Cluster, space: str, empty: Collection[tuple[str, str]]) -> bool:
    if left := _names(host, space) - set(empty):
        raise Pending(", ".join(f"{kind} {name}" for kind, name in sorted(left)))
    return True


def _names(host: Cluster, space: str) -> set[tuple[str, str]]:
    """Return everything in a namespace that a release can leave behind."""
    return {
        (kind, each["metadata"]["name"])
        for kind in KINDS
        for each in host.list_of(host.resource(kind), space)
    }
