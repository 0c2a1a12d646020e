"""What both sides have at one moment; the verdict believes nothing else."""

from __future__ import annotations

import concurrent.futures
from dataclasses import dataclass, field

from tests.e2e.cluster import RESOURCES, Cluster, Obj
from tests.escapes.case import KIND, MANAGED_BY, UID

MIRRORED = (
    *("Pod", "Service", "ConfigMap", "Secret", "PersistentVolumeClaim", "Ingress"),
    *("Endpoints", "EndpointSlice", "PodDisruptionBudget"),
)
"""The kinds that may have twins."""
OTHERS = ("NetworkPolicy", "ServiceAccount", "Event")
WIDE = ("StorageClass", "IngressClass", "PriorityClass", "PersistentVolume", "Namespace")
MAKERS = ("Deployment", "StatefulSet", "ReplicaSet", "Job")
"""What is judged by the pods that it makes."""


@dataclass
class Snapshot:
    """The host namespace, and of the virtual cluster what the verdicts need."""

    host: dict[str, list[Obj]]
    virt_pods: list[Obj]
    warned: dict[str, set[str]]
    """UID of a virtual object → the reasons of its Warnings."""
    twins: dict[str, Obj] = field(default_factory=dict)
    """UID of a virtual object → its twin."""

    def versions(self) -> set[tuple[str, str]]:
        """Return all objects of the kinds that are mirrored, with their versions."""
        return {
            (each["metadata"]["uid"], each["metadata"]["resourceVersion"])
            for kind in MIRRORED
            for each in self.host[kind]
        }


def take(
    host: Cluster, virt: Cluster, namespace: str, release: str, *, wide: bool = False
) -> Snapshot:
    """Take one; `wide` adds what is not mirrored."""
    kinds = (*MIRRORED, *OTHERS) if wide else MIRRORED
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        lists = [pool.submit(host.all, kind, namespace) for kind in kinds]
        lists += [pool.submit(host.all, kind) for kind in (WIDE if wide else ())]
        pods, events = pool.submit(virt.all, "Pod"), pool.submit(virt.all, "Event")
        names = [*kinds, *(WIDE if wide else ())]
        found = {kind: each.result() for kind, each in zip(names, lists, strict=True)}
    for kind, objects in found.items():
        for each in objects:
            each.setdefault("kind", kind)
    warned: dict[str, set[str]] = {}
    for event in events.result():
        if event["type"] == "Warning":
            warned.setdefault(event["involvedObject"].get("uid", ""), set()).add(event["reason"])
    taken = Snapshot(found, pods.result(), warned)
    for kind in MIRRORED:
        for each in found[kind]:
            meta = each["metadata"]
            if (meta.get("labels") or {}).get(MANAGED_BY) == release:
                notes = meta.get("annotations") or {}
                # Not a pod's token Secret or a slice of the host's own, which have the same UID.
                if notes.get(UID) and notes.get(KIND) == RESOURCES[kind].plural:
                    taken.twins[notes[UID]] = each
    return taken
