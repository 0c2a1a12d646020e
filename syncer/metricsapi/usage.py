"""From the host's figures to the virtual cluster's: names, containers, sums. Pure."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from syncer.kube.objects import Obj, containers_of
from syncer.state.cluster import World

_SUFFIXES = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    **{unit: Decimal(1000) ** n for n, unit in enumerate("kMGTPE", start=1)},
    **{f"{unit}i": Decimal(1024) ** n for n, unit in enumerate("KMGTPE", start=1)},
}


class Usage(NamedTuple):
    """A pod's or node's figures beside the virtual object that they are about."""

    virt: Obj
    metrics: Obj


def of_pods(world: World, host_metrics: list[Obj]) -> list[Usage]:
    """Return the figures of our pods in virtual names, by namespace and name.

    A pod counts as ours by its marks in our own store; what the answer says about labels does not
    matter. Containers that the virtual pod has not (what the host's admission or the product itself
    put in) are left out.
    """
    found = []
    for each in host_metrics:
        virt_pod = _virtual_pod(world, each)
        if virt_pod is None:
            continue
        names = {container["name"] for container in containers_of(virt_pod["spec"])}
        containers = [
            {"name": container["name"], "usage": container.get("usage") or {}}
            for container in each.get("containers") or ()
            if container["name"] in names
        ]
        if containers:
            found.append(Usage(virt_pod, {**_head(virt_pod, each), "containers": containers}))
    return sorted(found, key=lambda usage: _place(usage.virt))


def of_nodes(world: World, host_metrics: list[Obj]) -> list[Usage]:
    """Return the host's own figures of the nodes that the virtual cluster shows."""
    found = []
    for each in host_metrics:
        virt_node = world.virt["nodes"].get("", each["metadata"]["name"])
        if virt_node is not None:
            usage = each.get("usage") or {}
            found.append(Usage(virt_node, {**_head(virt_node, each), "usage": usage}))
    return sorted(found, key=lambda usage: _place(usage.virt))


def sums_by_node(world: World, pods: list[Usage], now: str) -> list[Usage]:
    """Return for each virtual node what our own pods use there.

    That is all that may be known without a right on the host's nodes. `now` is the time of a figure
    that no pod stands behind.
    """
    found = []
    for virt_node in world.virt["nodes"]:
        name = virt_node["metadata"]["name"]
        here = [each.metrics for each in pods if each.virt["spec"].get("nodeName") == name]
        latest = max((each["timestamp"] for each in here), default=now)
        window = next((each["window"] for each in here if each["timestamp"] == latest), "0s")
        usages = [container["usage"] for each in here for container in each["containers"]]
        head = _head(virt_node, {"timestamp": latest, "window": window})
        found.append(Usage(virt_node, {**head, "usage": total(usages)}))
    return sorted(found, key=lambda usage: _place(usage.virt))


def total(usages: list[Obj]) -> Obj:
    """Return what several use together, as quantities of cpu and memory."""
    cpu = sum((quantity(each.get("cpu", "0")) for each in usages), Decimal(0))
    memory = sum((quantity(each.get("memory", "0")) for each in usages), Decimal(0))
    return {"cpu": f"{int(cpu * 10**9)}n", "memory": f"{int(memory / 1024)}Ki"}


def quantity(text: str) -> Decimal:
    """Return what a Kubernetes quantity says; zero for what is none."""
    number = text.rstrip("numkKMGTPEi")
    try:
        return Decimal(number) * _SUFFIXES[text[len(number) :]]
    except (InvalidOperation, KeyError):
        return Decimal(0)


def _virtual_pod(world: World, host_metrics: Obj) -> Obj | None:
    """Return the virtual pod whose twin the figures are about, if it is still the same pod."""
    meta = host_metrics["metadata"]
    if meta.get("namespace") != world.ident.host_namespace:
        return None
    host_pod = world.host["pods"].get(meta["namespace"], meta["name"])
    if host_pod is None or not world.ident.is_ours(host_pod):
        return None
    return world.original("pods", host_pod)


def _head(virt: Obj, host_metrics: Obj) -> Obj:
    meta: Obj = {"name": virt["metadata"]["name"]}
    if virt["metadata"].get("namespace"):
        meta["namespace"] = virt["metadata"]["namespace"]
    timestamp = host_metrics.get("timestamp") or ""
    meta["creationTimestamp"] = timestamp
    if virt["metadata"].get("labels"):
        meta["labels"] = virt["metadata"]["labels"]
    return {"metadata": meta, "timestamp": timestamp, "window": host_metrics.get("window") or "0s"}


def _place(virt: Obj) -> tuple[str, str]:
    return virt["metadata"].get("namespace", ""), virt["metadata"]["name"]
