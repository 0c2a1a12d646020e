"""The few host objects that are the syncer's own: no twins of anything virtual."""

from __future__ import annotations

from syncer.client import Client
from syncer.errors import AlreadyExists
from syncer.identity import Identity
from syncer.objects import Obj, merge_patch
from syncer.resources import Resource


async def keep(host: Client, ident: Identity, resource: Resource, name: str, obj: Obj) -> None:
    """Create the object, owned by the anchor, or bring the `data` of the existing one in line."""
    metadata = {
        "name": name,
        "namespace": ident.host_namespace,
        "labels": {"app.kubernetes.io/instance": ident.release},
        "ownerReferences": [ident.owner()],
    }
    whole: Obj = {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": metadata,
        **obj,
    }
    try:
        await host.create(resource, ident.host_namespace, whole)
    except AlreadyExists:
        have = await host.get(resource, ident.host_namespace, name)
        change = merge_patch(have.get("data") or {}, obj["data"])
        if change:
            await host.patch(resource, have, {"data": change})
