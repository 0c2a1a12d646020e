"""The few host objects that are the syncer's own: no twins of anything virtual."""

from __future__ import annotations

from syncer.errors import AlreadyExists
from syncer.identity import Identity
from syncer.kube.client import Client
from syncer.kube.objects import Obj, merge_patch
from syncer.kube.resources import Resource


def made(
    ident: Identity, resource: Resource, name: str, content: Obj, *, owned: bool = True
) -> Obj:
    """Return the whole object; one that is `owned` goes with the anchor."""
    metadata: Obj = {
        "name": name,
        "namespace": ident.host_namespace,
        "labels": {"app.kubernetes.io/instance": ident.release},
    }
    if owned:
        metadata["ownerReferences"] = [ident.owner()]
    named = {"apiVersion": resource.api_version, "kind": resource.kind}
    return {**named, "metadata": metadata, **content}


async def keep(
    host: Client,
    ident: Identity,
    resource: Resource,
    name: str,
    obj: Obj,
    *,
    others: tuple[str, ...] = (),
) -> None:
    """Create the object, owned by the anchor, or bring the `data` of the existing one in line.

    `others`: keys in it that somebody else writes, at any time.
    """
    whole = made(ident, resource, name, obj)
    try:
        await host.create(resource, ident.host_namespace, whole)
    except AlreadyExists:
        have = await host.get(resource, ident.host_namespace, name)
        ours = {key: value for key, value in (have.get("data") or {}).items() if key not in others}
        change = merge_patch(ours, obj["data"])
        if change:
            await host.patch(resource, have, {"data": change})
