"""The volume of a stopped virtual cluster, reached through a pod of its own."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from virtualcluster_cli import backups, progress
from virtualcluster_cli.api import ApiError, Obj
from virtualcluster_cli.errors import NotFound, NotReady, Trouble
from virtualcluster_cli.execute import Place
from virtualcluster_cli.installations import Installation
from virtualcluster_cli.options import Host
from virtualcluster_cli.stages import View, held

LAST = 60.0  # seconds for that pod to end


def check_claim(host: Host, which: Installation) -> None:
    """Raise NotFound when there is no volume to put anything on."""
    claim = backups.claim_of(which)
    found = host.api.find(f"/api/v1/namespaces/{which.namespace}/persistentvolumeclaims/{claim}")
    if found is None or "deletionTimestamp" in found["metadata"]:
        raise NotFound(
            f"the claim {claim} of {which.name!r} is gone, and its volume with it",
            f"virtualcluster upgrade {which.name} -n {which.namespace} makes a new one; then"
            " restore",
        )


@contextlib.contextmanager
def opened(host: Host, which: Installation, owner: Obj, deadline: float) -> Iterator[Place]:
    """Run the pod that has the volume, for as long as the block."""
    pods = f"/api/v1/namespaces/{which.namespace}/pods"
    name = backups.pod_name(which)
    path = f"{pods}/{name}"
    try:
        host.api.json("POST", pods, backups.pod(which, owner))
    except ApiError as error:
        if error.status != 409:  # noqa: PLR2004
            raise
        raise Trouble(
            f"another restore of {which.name!r} is running, or was interrupted",
            f"if none is running: kubectl delete pod {name} -n {which.namespace}",
        ) from None
    try:
        _until_running(host, path, deadline)
        yield Place(which.namespace, name, "restore")
    finally:
        with contextlib.suppress(NotFound):
            host.api.request("DELETE", path)
        late = f"{name} does not end"
        last = time.monotonic() + LAST
        progress.wait_until(lambda: host.api.find(path) is None, last, late, which.namespace)


def _until_running(host: Host, path: str, deadline: float) -> None:
    while True:
        pod = host.api.json("GET", path)
        status = pod.get("status") or {}
        if any("running" in (e.get("state") or {}) for e in status.get("containerStatuses") or ()):
            return
        wrong = held(View(pod=pod))
        if time.monotonic() > deadline or status.get("phase") in ("Failed", "Succeeded"):
            raise NotReady(
                wrong.cause if wrong else f"{pod['metadata']['name']} does not start",
                wrong.cure if wrong else f"see kubectl describe pod -n {host.namespace}",
            )
        time.sleep(progress.LOOK)
