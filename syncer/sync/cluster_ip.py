"""Gives a virtual Service another ClusterIP, in place.

Two updates, to type ExternalName and back, which keep its UID and lose nothing (tried on 1.34 and
1.16; re-creating a tenant's Service lost data elsewhere). What the Service was before the first
update stands in an annotation until the second one is through, so that a restart in between
finishes the work.
"""

from __future__ import annotations

import contextlib
from typing import Any

import orjson

from syncer.errors import BadRequest
from syncer.identity import PREFIX
from syncer.kube.client import Client
from syncer.kube.objects import Obj
from syncer.kube.resources import SERVICES

RESTORE = PREFIX + "restore-spec"
PLACEHOLDER = "moving.invalid"


async def move(virt: Client, virt_obj: Obj, ip: str) -> Obj:
    """Give a virtual Service another ClusterIP, keeping its UID; return it as it then is.

    Raises Conflict when somebody changed it meanwhile: the next reconcile begins again.
    """
    spec = {**virt_obj["spec"], "clusterIP": ip, "clusterIPs": [ip]}
    meta = virt_obj["metadata"]
    annotations = {**(meta.get("annotations") or {}), RESTORE: orjson.dumps(spec).decode()}
    away = await virt.update(
        SERVICES,
        {
            **virt_obj,
            "metadata": {**meta, "annotations": annotations},
            "spec": {
                "type": "ExternalName",
                "externalName": PLACEHOLDER,
                **{key: spec[key] for key in ("ports", "selector") if key in spec},
            },
        },
    )
    return await finish_move(virt, away)


async def finish_move(virt: Client, virt_obj: Obj) -> Obj:
    """Put back the spec that the annotation holds; return the Service as it then is."""
    meta = virt_obj["metadata"]
    annotations: dict[str, Any] = {**meta["annotations"]}
    spec = _noted(annotations.pop(RESTORE), virt_obj["spec"])
    virt_obj = {**virt_obj, "metadata": {**meta, "annotations": annotations}}
    # The address or a port may have been given away meanwhile: then any other will do, the next
    # reconcile brings both sides together. What cannot stand at all the tenant has written there.
    for each in (spec, _without_addresses(spec)):
        with contextlib.suppress(BadRequest):
            return await virt.update(SERVICES, {**virt_obj, "spec": each})
    return await virt.update(SERVICES, virt_obj)


def _noted(note: str, spec: Obj) -> Obj:
    """Return the spec that a note holds, or the present one when it holds none."""
    try:
        noted: Any = orjson.loads(note)
    except orjson.JSONDecodeError:
        return spec
    ports = noted.get("ports") or [] if isinstance(noted, dict) else None
    whole = isinstance(ports, list) and all(isinstance(port, dict) for port in ports)
    return dict(noted) if whole else spec


def _without_addresses(spec: Obj) -> Obj:
    rest = {k: v for k, v in spec.items() if k not in ("clusterIP", "clusterIPs")}
    return {**rest, "ports": bare_ports(spec.get("ports") or [])}


def bare_ports(ports: list[Obj]) -> list[Obj]:
    """Return the ports without their node ports: the server gives others where it must."""
    return [{k: v for k, v in port.items() if k != "nodePort"} for port in ports]
