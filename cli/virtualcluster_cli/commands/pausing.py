"""`pause` and `resume`: control plane and synced pods to zero and back, the data kept."""

from __future__ import annotations

import time

import click

from virtualcluster_cli import inside, progress
from virtualcluster_cli.errors import NoAnswer, NotReady, Trouble
from virtualcluster_cli.installations import Installation, synced_pods
from virtualcluster_cli.options import Host, examples, host_options, name_argument
from virtualcluster_cli.shared.objects import controller_of

TIMEOUT = 300.0
REPLICAS = "virtualcluster.dev/replicas"
"""On the StatefulSet: how many pods it is to have again."""


@examples("virtualcluster pause dev", "virtualcluster resume dev")
@click.command()
@name_argument
@click.option("--timeout", default=TIMEOUT, show_default=True, help="Seconds to wait.")
@click.option("--force", is_flag=True, help="Pause even if pods or data are lost.")
@host_options
def pause(host: Host, name: str, timeout: float, *, force: bool) -> None:
    """Stop the virtual cluster NAME and all of its pods; volumes, Services and data stay.

    After `resume`, controllers replace their pods. Pods without a controller are Failed, like pods
    of a deleted node: a pod never runs twice under one UID.
    """
    which = host.one(name)
    if not which.keeps_data and not force:
        raise Trouble(
            f"{name!r} keeps its data in its pod (storage.persistence=false): pausing would"
            " lose it",
            "pass --force to lose it, or create one with storage.persistence",
        )
    bare = [] if which.paused or force else _bare(host, which)
    if bare:
        raise Trouble(
            f"{len(bare)} pods of {name!r} have no controller and would be lost"
            f" ({', '.join(bare[:3])})",
            "delete them, or pass --force",
        )
    scale(host, which, 0)
    deadline = time.monotonic() + timeout
    # The syncer first: it would have the controllers inside make new pods for those that go.
    late = f"the control plane of {name} does not terminate"
    progress.wait_until(lambda: host.one(name).pod is None, deadline, late, host.namespace)
    for pod in synced_pods(host.api, which):
        meta = pod["metadata"]
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
        if host.api.find(path) is not None:
            host.api.request("DELETE", path, {"preconditions": {"uid": meta["uid"]}})
    late = f"some pods of {name} do not terminate"
    progress.wait_until(lambda: not synced_pods(host.api, which), deadline, late, host.namespace)
    click.echo(f"virtual cluster {name} is paused: virtualcluster resume {name}")


@examples("virtualcluster resume dev")
@click.command()
@name_argument
@click.option("--timeout", default=TIMEOUT, show_default=True, help="Seconds to wait.")
@host_options
def resume(host: Host, name: str, timeout: float) -> None:
    """Start the paused virtual cluster NAME."""
    which = host.one(name)
    if not which.paused:
        click.echo(f"virtual cluster {name} is not paused", err=True)
        return
    scale(host, which, 1)
    progress.until_usable(host.api, host.namespace, name, timeout)
    click.echo(f"virtual cluster {name} is usable again")


def _bare(host: Host, which: Installation) -> list[str]:
    """Return the running pods inside that no controller would make again."""
    try:
        with inside.api(host.api, host.access, which) as virt:
            pods = virt.list("/api/v1/pods")
    except (NotReady, NoAnswer) as error:
        raise Trouble(
            f"which pods would be lost cannot be determined: {error.cause}", "pass --force"
        ) from None
    return [
        f"{each['metadata']['namespace']}/{each['metadata']['name']}"
        for each in pods
        if controller_of(each) is None
        and (each.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
    ]


def scale(host: Host, which: Installation, replicas: int) -> None:
    """Stop the control plane (0), or have as many of it again as there were before (1)."""
    meta, spec = which.statefulset["metadata"], which.statefulset["spec"]
    noted = (meta.get("annotations") or {}).get(REPLICAS)
    if replicas:
        replicas, note = int(noted or spec.get("replicas") or replicas), None
    else:
        note = noted or str(spec.get("replicas", 1))
    path = f"/apis/apps/v1/namespaces/{which.namespace}/statefulsets/{which.name}"
    change = {"spec": {"replicas": replicas}, "metadata": {"annotations": {REPLICAS: note}}}
    host.api.json("PATCH", path, change)
