"""Status on its way up: what the host reports, in the virtual cluster's terms."""

from __future__ import annotations

from syncer.kube.objects import Obj, merge_patch
from syncer.translate import etc_hosts

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
OURS = etc_hosts.CONTAINER
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
SCHEDULED = "PodScheduled"
BEING_MADE = ("ContainerCreating", "PodInitializing")
KUBELETS = {
    "AllContainersRestarting",
    "ContainersReady",
    "Initialized",
    "PodHasNetwork",
    "PodReadyToStartContainers",
    "PodResizeInProgress",
    "PodResizePending",
    "Ready",
    SCHEDULED,
}
"""Conditions that a kubelet writes: when the host has none of the type, neither has the pod."""


def pod(host: Obj, virt: Obj, *, placed: bool = False) -> Obj:
    """Return the virtual pod's status.

    Conditions that neither a kubelet writes nor the host has are the virtual pod's own and stay, as
    on any node; so are those of its readiness gates, and Ready is true only when they are, as the
    kubelet would have it (KEP-580). `placed` by the virtual cluster's own scheduler, it is that one
    who says whether the pod is scheduled.
    """
    status = host.get("status") or {}
    result = {field: status[field] for field in POD_STATUS if status.get(field)}
    for field in CONTAINER_STATUSES:
        if field in result:
            result[field] = [_theirs(each) for each in result[field] if each["name"] != OURS]
            if not result[field]:
                del result[field]
    gates = [each["conditionType"] for each in virt["spec"].get("readinessGates") or ()]
    known = {each["type"]: each for each in (virt.get("status") or {}).get("conditions") or ()}
    # Of a pod that named its node itself no scheduler says anything: then its kubelet does.
    theirs = {*gates, SCHEDULED} if placed and SCHEDULED in known else {*gates}
    conditions = [
        _plain(each) for each in status.get("conditions") or () if each["type"] not in theirs
    ]
    if gates:
        waiting = [gate for gate in gates if known.get(gate, {}).get("status") != "True"]
        conditions = [_gated(each, waiting) for each in conditions]
    others = {each["type"] for each in conditions} | KUBELETS - theirs
    conditions += [_plain(each) for kind, each in known.items() if kind not in others]
    if conditions:
        result["conditions"] = conditions
    return result


def condition(pod_: Obj, kind: str) -> str | None:
    """Return the status of a pod's condition, None when it has none of the type."""
    conditions = (pod_.get("status") or {}).get("conditions") or ()
    return next((str(each["status"]) for each in conditions if each["type"] == kind), None)


def underway(host: Obj) -> bool:
    """Tell whether a pod is on its way to its containers, and nothing has gone wrong so far."""
    status = host.get("status") or {}
    if status.get("phase") != "Pending" or condition(host, SCHEDULED) != "True":
        return False
    every = [each for field in CONTAINER_STATUSES for each in status.get(field) or ()]
    states = [each.get("state") or {} for each in every]
    reasons = [(each.get("waiting") or {}).get("reason", "") for each in states if each]
    return not status.get("reason") and all(each in BEING_MADE for each in reasons)


def of_pod(virt: Obj) -> Obj:
    """Return a virtual pod's status as far as `pod` decides it, in the same form."""
    status = virt.get("status") or {}
    result = {field: status[field] for field in POD_STATUS if status.get(field)}
    if "conditions" in result:
        result["conditions"] = [_plain(each) for each in result["conditions"]]
    return result


def difference(have: Obj, want: Obj) -> Obj:
    """Return the strategic merge patch from one pod status to another; empty when there is none.

    A condition that is the same on both sides is not in it: somebody may be writing it just now.
    """
    others = ("conditions",)
    patch = merge_patch(
        {key: value for key, value in have.items() if key not in others},
        {key: value for key, value in want.items() if key not in others},
    )
    for field in ("hostIPs", "podIPs"):
        if patch.get(field):
            patch[field] = [{"$patch": "replace"}, *patch[field]]
    old = {each["type"]: each for each in have.get("conditions") or ()}
    new = {each["type"]: each for each in want.get("conditions") or ()}
    conditions: list[Obj] = [
        {**dict.fromkeys(old.get(kind, {}).keys() - each.keys()), **each}
        for kind, each in new.items()
        if old.get(kind) != each
    ]
    conditions += [{"$patch": "delete", "type": kind} for kind in old if kind not in new]
    if conditions:
        patch["conditions"] = conditions
    return patch


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
