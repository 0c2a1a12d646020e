"""Nodes: what the virtual cluster sees of a host's node, and what of it is the tenant's.

what the host says   labels, taints, cordon, resources, conditions, node info: comes back when
                     a tenant changes it, and goes when the host takes it away
what is ours         the Hostname address and the port, where the API server finds a kubelet
what a tenant adds   labels, taints, a cordon, extended resources: stay, and steer whatever
                     decides inside the virtual cluster; nothing of it reaches the host
"""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from syncer.identity import PREFIX
from syncer.kube.objects import Obj, annotation

FIRST_PORT = 10350
"""Of the nodes' ports, and so the least that a node of ours may say."""
FROM_HOST = PREFIX + "from-host"
"""What of the node came from the host: the rest is the tenant's."""
NOT_READY = "node.kubernetes.io/not-r"
"""Admission taints a new node as not ready; nobody but us could take that off again."""
CONDITION = ("type", "status", "reason", "message", "lastTransitionTime", "lastHeartbeatTime")
# What API servers of every supported version know: of a field that one drops, each look would find
# it missing and write it again.
NODE_INFO = (
    "architecture",
    "bootID",
    "containerRuntimeVersion",
    "kernelVersion",
    "kubeProxyVersion",
    "kubeletVersion",
    "machineID",
    "operatingSystem",
    "osImage",
    "systemUUID",
)
HEALTHY = (
    ("Ready", "True", "KubeletReady"),
    ("MemoryPressure", "False", "KubeletHasSufficientMemory"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID"),
)


def shown(host_node: Obj) -> Obj:
    """Return a host's node with no more than what may be shown: no images, volumes, addresses."""
    meta, spec = host_node["metadata"], host_node.get("spec") or {}
    status = host_node.get("status") or {}
    kept = ("name", "uid", "resourceVersion", "labels")
    return {
        "metadata": {field: meta[field] for field in kept if field in meta},
        "spec": {field: spec[field] for field in ("taints", "unschedulable") if spec.get(field)},
        "status": {
            "addresses": [
                each for each in status.get("addresses") or () if each["type"] == "InternalIP"
            ],
            "allocatable": status.get("allocatable") or {},
            "capacity": status.get("capacity") or {},
            "conditions": [_only(CONDITION, each) for each in status.get("conditions") or ()],
            "nodeInfo": _only(NODE_INFO, status.get("nodeInfo") or {}),
        },
    }


def told_by_pods(name: str, address: str, version: str, arch: str) -> Obj:
    """Return the same of a node of which no more is known than what its pods tell."""
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": arch,
    }
    info = {"architecture": arch, "operatingSystem": "linux", "kubeletVersion": version}
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {},
        "status": {
            "addresses": [{"type": "InternalIP", "address": address}] if address else [],
            "allocatable": {},
            "capacity": {},
            "conditions": [
                {"type": kind, "status": value, "reason": reason} for kind, value, reason in HEALTHY
            ],
            "nodeInfo": {**dict.fromkeys(NODE_INFO, ""), **info},
        },
    }


class Before(NamedTuple):
    """What the host said when the virtual node was last written."""

    labels: frozenset[str]
    taints: frozenset[str]
    resources: frozenset[str]
    cordoned: bool


def virtual(host_node: Obj, virt_node: Obj, kubelet_host: str, port: int, now: str) -> Obj:
    """Return the virtual node as it should be; `virt_node` is as it is, `{}` while there is none.

    `host_node` is one of the two forms above; `now` is the time for conditions that have none.
    """
    before = _before(virt_node)
    meta, spec = host_node["metadata"], host_node["spec"]
    virt_meta, virt_spec = virt_node.get("metadata") or {}, virt_node.get("spec") or {}
    labels = meta.get("labels") or {}
    taints = spec.get("taints") or []
    cordoned = bool(spec.get("unschedulable"))
    taken = {_taint(each) for each in taints}
    said = {
        "cordoned": cordoned,
        "labels": sorted(labels),
        "resources": sorted(filter(is_extended, host_node["status"]["capacity"])),
        "taints": sorted(taken),
    }
    own_labels = {
        key: value
        for key, value in (virt_meta.get("labels") or {}).items()
        if key not in before.labels
    }
    own_taints = [
        each
        for each in virt_spec.get("taints") or ()
        if _taint(each) not in before.taints | taken and not each["key"].startswith(NOT_READY)
    ]
    own_cordon = bool(virt_spec.get("unschedulable")) and not before.cordoned
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": meta["name"],
            "labels": {**own_labels, **labels},
            "annotations": {FROM_HOST: orjson.dumps(said).decode()},
        },
        "spec": {"taints": [*taints, *own_taints], "unschedulable": cordoned or own_cordon},
        "status": _status(host_node["status"], virt_node, before, kubelet_host, port, now),
    }


def is_extended(resource: str) -> bool:
    """Tell whether a resource is one that a cluster's people named: `example.com/gpu`."""
    return "/" in resource and "kubernetes.io/" not in resource


def timeless(conditions: Any) -> list[Obj]:
    """Return conditions without the heartbeats, which change all the time and say nothing new."""
    return [
        {key: value for key, value in each.items() if key != "lastHeartbeatTime"}
        for each in conditions or ()
    ]


def _status(
    host: Obj, virt_node: Obj, before: Before, kubelet_host: str, port: int, now: str
) -> Obj:
    have = virt_node.get("status") or {}
    since = {
        (each["type"], each.get("status")): each.get("lastTransitionTime")
        for each in have.get("conditions") or ()
    }
    own = {
        name: amount
        for name, amount in (have.get("capacity") or {}).items()
        if is_extended(name) and name not in before.resources and name not in host["capacity"]
    }
    # A kubelet, too, offers pods what somebody wrote into the capacity (and nothing beyond it).
    offered = {**own, **_only(tuple(own), have.get("allocatable") or {})}
    return {
        "addresses": [*host["addresses"], {"type": "Hostname", "address": kubelet_host}],
        "allocatable": {**offered, **host["allocatable"]},
        "capacity": {**own, **host["capacity"]},
        "conditions": [
            {"lastTransitionTime": since.get((each["type"], each["status"])) or now, **each}
            for each in host["conditions"]
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        "nodeInfo": host["nodeInfo"],
    }


def _before(virt_node: Obj) -> Before:
    """Read our note on the virtual node; a tenant who spoils it spoils only what is theirs."""
    try:
        note = orjson.loads(annotation({"metadata": {}, **virt_node}, FROM_HOST) or "{}")
        return Before(
            frozenset(note.get("labels") or ()),
            frozenset(note.get("taints") or ()),
            frozenset(note.get("resources") or ()),
            bool(note.get("cordoned")),
        )
    except (orjson.JSONDecodeError, AttributeError, TypeError):
        return Before(frozenset(), frozenset(), frozenset(), cordoned=False)


def _taint(taint: Obj) -> str:
    return f"{taint['key']}:{taint.get('effect', '')}"


def _only(fields: tuple[str, ...], source: Obj) -> Obj:
    return {field: source[field] for field in fields if field in source}


def port_of(virt_node: Obj) -> int:
    """Return where a virtual node says that its kubelet is; 0 for nowhere."""
    endpoints = (virt_node.get("status") or {}).get("daemonEndpoints") or {}
    return int((endpoints.get("kubeletEndpoint") or {}).get("Port") or 0)
