"""A virtual cluster from `helm install` to its CoreDNS, and from `helm delete` to nothing left."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from functools import partial
from pathlib import Path

from tests.e2e.cluster import Cluster
from tests.e2e.release import INSTALL, Release
from tests.e2e.waiting import Pending, until
from tools.bench.api import Api
from tools.bench.context import Context, run
from tools.bench.errors import BenchError
from tools.bench.installation import exposed, namespaces, reach
from tools.bench.rows import Row
from tools.bench.stats import median
from tools.bench.timeline import Timeline
from tools.bench.watching import watching
from tools.bench.workloads import pods_path

TIMES = 3
LEFT = 60.0  # seconds for what a release made to go
GLANCE = 0.05  # seconds between two looks at what cannot be watched
# What may hold something of a release. Leases and Endpoints follow from others.
KINDS = (
    *("Pod", "Service", "ConfigMap", "Secret", "ServiceAccount", "PersistentVolumeClaim"),
    *("StatefulSet", "Role", "RoleBinding"),
)
STEPS = {
    "api": "a user's first request is answered",
    "helm": "helm install --wait returns",
    "coredns": "CoreDNS is Ready",
    "gone": "nothing is left",
}


def measure(context: Context) -> None:
    """Add the rows of several installations, each alone."""
    found = [_once(context) for _ in range(context.times(TIMES))]
    for key, what in STEPS.items():
        values = [each[key] for each in found]
        note = f"{len(values)} times: {', '.join(f'{each:.1f}' for each in sorted(values))}"
        begin = "delete" if key == "gone" else "install"
        context.row(Row(f"install/{key}", f"{begin}: until {what}", "s", median(values), note=note))


def _once(context: Context) -> dict[str, float]:
    target, host = context.installation.target, context.installation.host
    with namespaces(host, "install") as (space,):
        empty = _names(host.api, space)
        release = Release(host, "timed", space, target.scratch)
        took = run(partial(_install, release, target.kubeconfig, exposed(host, target.values)))
        begin = time.monotonic()
        release.uninstall()
        until("nothing is left", lambda: _nothing_beyond(host.api, space, empty), LEFT)
        took["gone"] = time.monotonic() - begin
    context.say(f"installed: {', '.join(f'{key} {took[key]:.1f} s' for key in STEPS)}")
    return took


async def _install(
    release: Release, host_kubeconfig: Path, values: dict[str, object]
) -> dict[str, float]:
    path, timeline = pods_path(release.namespace), Timeline()
    async with Api(host_kubeconfig) as host, watching(host, path, "", timeline) as watch:
        begin = time.monotonic()
        async with asyncio.timeout(INSTALL), asyncio.TaskGroup() as tasks:
            helm = tasks.create_task(asyncio.to_thread(_helm, release, values))
            answered = tasks.create_task(_first_answer(release))
            await watch.until("CoreDNS is ready", lambda t: _coredns(t) is not None, INSTALL)
    ready = _coredns(timeline)
    assert ready is not None
    ends = {"api": answered.result(), "coredns": ready, "helm": helm.result()}
    return {name: end - begin for name, end in ends.items()}


def _coredns(timeline: Timeline) -> float | None:
    return next((at for name, at in timeline.ready.items() if name.startswith("coredns-")), None)


async def _first_answer(release: Release) -> float:
    """Return when somebody who has only the host's kubeconfig can use the virtual API."""
    while (file := await asyncio.to_thread(reach, release)) is None:  # noqa: ASYNC110 (no watch)
        await asyncio.sleep(GLANCE)
    async with Api(file) as virt:
        while True:
            try:
                await virt.json("GET", "/api/v1/namespaces/default")
            except BenchError:
                await asyncio.sleep(GLANCE)
            else:
                return time.monotonic()


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
