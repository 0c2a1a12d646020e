"""The CPU and memory of a pod's containers, which may change while it runs (KEP-1287)."""

from __future__ import annotations

import hashlib

import orjson

from syncer.identity import PREFIX
from syncer.kube.objects import Obj

SIZES = PREFIX + "sizes"
"""The annotation of a host pod with the digest of the sizes that were asked for."""
RESIZABLE = ("cpu", "memory")


def of_containers(virt_pod: Obj) -> Obj:
    """Return the part of the spec that a resize may change, by lists of named containers.

    Of the init containers only the sidecars can be resized, those that are always restarted.
    """
    spec = virt_pod["spec"]
    sidecars = [c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"]
    found = {
        field: [
            {"name": each["name"], "resources": sized}
            for each in containers
            if (sized := _sized(each.get("resources") or {}))
        ]
        for field, containers in (("containers", spec["containers"]), ("initContainers", sidecars))
    }
    return {field: listed for field, listed in found.items() if listed}


def digest(virt_pod: Obj) -> str:
    """Return a short digest of these sizes."""
    text = orjson.dumps(of_containers(virt_pod), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()[:16]


def _sized(resources: Obj) -> Obj:
    found = {
        part: {name: resources[part][name] for name in RESIZABLE if name in resources[part]}
        for part in ("limits", "requests")
        if resources.get(part)
    }
    return {part: amounts for part, amounts in found.items() if amounts}
