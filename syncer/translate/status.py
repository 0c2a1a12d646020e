"""Status on its way up: what the host reports, in the virtual cluster's terms."""

from __future__ import annotations

from syncer.objects import Obj
from syncer.translate import hostsfile

# What a virtual API server of any supported version knows. Not qosClass: it is immutable and
# derived from the virtual spec. Not resize, resourceClaimStatuses, nominatedNodeName: theirs.
POD_STATUS = (
    "conditions",
    "containerStatuses",
    "ephemeralContainerStatuses",
    "hostIP",
    "hostIPs",
    "initContainerStatuses",
    "message",
    "phase",
    "podIP",
    "podIPs",
    "reason",
    "startTime",
)
CONTAINER_STATUSES = (
    "containerStatuses",
    "ephemeralContainerStatuses",
    "initContainerStatuses",
)
OURS = hostsfile.CONTAINER
CLAIM_STATUS = ("accessModes", "capacity", "phase")
CLAIM_GROWTH = ("allocatedResourceStatuses", "allocatedResources")
"""What a claim says while it grows, and no longer afterwards."""
CLAIM_CONDITIONS = (
    "ControllerResizeError",
    "FileSystemResizePending",
    "NodeResizeError",
    "Resizing",
)
"""The conditions that are the host's to set and to take back; all others are the tenant's."""
CONDITION = ("type", "status", "reason", "message", "lastTransitionTime", "lastProbeTime")


def pod(host: Obj, virt: Obj) -> Obj:
    """Return the virtual pod's status.

    The conditions of the virtual pod's readiness gates are its own and stay; Ready is true only
    when they are, as the kubelet would have it (KEP-580).
    """
    status = host.get("status") or {}
    result = {field: status[field] for field in POD_STATUS if status.get(field)}
    for field in CONTAINER_STATUSES:
        if field in result:
            result[field] = [_theirs(each) for each in result[field] if each["name"] != OURS]
            if not result[field]:
                del result[field]
    gates = [each["conditionType"] for each in virt["spec"].get("readinessGates") or ()]
    conditions = [
        {field: each[field] for field in CONDITION if each.get(field)}
        for each in status.get("conditions") or ()
        if each["type"] not in gates
    ]
    if gates:
        own = {each["type"]: each for each in (virt.get("status") or {}).get("conditions") or ()}
        waiting = [gate for gate in gates if own.get(gate, {}).get("status") != "True"]
        conditions = [_gated(each, waiting) for each in conditions]
        conditions += [own[gate] for gate in gates if gate in own]
    if conditions:
        result["conditions"] = conditions
    return result


def of_pod(virt: Obj) -> Obj:
    """Return the part of a virtual pod's status that `pod` decides."""
    status = virt.get("status") or {}
    result = {field: status[field] for field in POD_STATUS if status.get(field)}
    if result.get("conditions"):
        gates = [each["conditionType"] for each in virt["spec"].get("readinessGates") or ()]
        result["conditions"] = [
            each
            if each["type"] in gates
            else {field: each[field] for field in CONDITION if each.get(field)}
            for each in result["conditions"]
        ]
    return result


def claim(host: Obj, virt: Obj) -> Obj:
    """Return the virtual claim's status; empty fields are those that it has and is to lose."""
    status, have = host.get("status") or {}, virt.get("status") or {}
    result: Obj = {field: status[field] for field in CLAIM_STATUS if status.get(field)}
    for field in CLAIM_GROWTH:
        if status.get(field) or have.get(field):
            result[field] = status.get(field) or {}
    theirs = {
        each["type"]: _plain(each) for each in _conditions(host) if each["type"] in CLAIM_CONDITIONS
    }
    conditions = []
    for each in _conditions(virt):
        kind = each["type"]
        if kind not in CLAIM_CONDITIONS or _plain(each) == theirs.get(kind):
            conditions.append(each)
            theirs.pop(kind, None)
    conditions += theirs.values()
    if conditions or have.get("conditions"):
        result["conditions"] = conditions
    return result


def load_balancer(host: Obj) -> Obj:
    """Return the status of a Service or an Ingress."""
    return {"loadBalancer": (host.get("status") or {}).get("loadBalancer") or {}}


def _conditions(obj: Obj) -> list[Obj]:
    return (obj.get("status") or {}).get("conditions") or []


def _plain(condition: Obj) -> Obj:
    return {field: condition[field] for field in CONDITION if condition.get(field)}


def _theirs(container_status: Obj) -> Obj:
    """Return a container's status without the mounts that the tenant did not ask for."""
    mounts = container_status.get("volumeMounts")
    if not mounts:
        return container_status
    return {**container_status, "volumeMounts": [m for m in mounts if m["name"] != OURS]}


def _gated(condition: Obj, waiting: list[str]) -> Obj:
    if condition["type"] != "Ready" or condition["status"] != "True" or not waiting:
        return condition
    gates = ", ".join(waiting)
    return {
        **condition,
        "status": "False",
        "reason": "ReadinessGatesNotReady",
        "message": f"conditions of readiness gates are not true: {gates}",
    }
