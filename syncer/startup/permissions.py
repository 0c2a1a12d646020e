"""The rights on the host that the syncer needs: the same table the chart's roles are made from.

A test compares the two (tests/unit/startup/test_permissions.py); `missing` compares with what the
host grants.
"""

from __future__ import annotations

from typing import NamedTuple

from syncer.kube.objects import Obj

ALL = ("get", "list", "watch", "create", "patch", "delete")
READ = ("get", "list", "watch")
LEASES = "leases"
"""What needs them is no kind to sync, but an election among several replicas."""


class Right(NamedTuple):
    """Verbs on one resource; `kind` names the synced kind that needs it, empty for always.

    `cluster`: in the whole cluster, by the ClusterRole that the kind's value asks for.
    `named`: only on the one object of ours (leader/lease.py says how it is called).
    """

    group: str
    resource: str
    verbs: tuple[str, ...]
    kind: str = ""
    cluster: bool = False
    named: bool = False


RIGHTS = (
    Right("", "pods", ALL),
    Right("", "pods/log", ("get",)),
    Right("", "pods/exec", ("create", "get")),
    Right("", "pods/attach", ("create", "get")),
    Right("", "pods/portforward", ("create", "get")),
    Right("", "services", ALL),
    Right("", "persistentvolumeclaims", ALL),
    Right("", "configmaps", ALL),
    Right("", "secrets", ALL),
    Right("", "endpoints", READ),
    Right("", "events", READ),
    Right("networking.k8s.io", "ingresses", ALL, "ingresses"),
    Right("policy", "poddisruptionbudgets", ALL, "poddisruptionbudgets"),
    Right("", "pods/ephemeralcontainers", ("patch",), "ephemeralcontainers"),
    Right("metrics.k8s.io", "pods", ("get", "list"), "metrics"),
    Right("", "pods/resize", ("patch",), "resize"),
    Right("", "endpoints", ("create", "patch", "delete"), "endpoints"),
    Right("discovery.k8s.io", "endpointslices", ALL, "endpointslices"),
    Right("coordination.k8s.io", "leases", ("create",), LEASES),
    Right("coordination.k8s.io", "leases", ("get", "update"), LEASES, named=True),
    Right("", "nodes", READ, "nodes", cluster=True),
    Right("metrics.k8s.io", "nodes", ("get", "list"), "nodemetrics", cluster=True),
    Right("", "persistentvolumes", READ, "persistentvolumes", cluster=True),
    Right("storage.k8s.io", "storageclasses", READ, "storageclasses", cluster=True),
    Right("networking.k8s.io", "ingressclasses", READ, "ingressclasses", cluster=True),
    Right("scheduling.k8s.io", "priorityclasses", READ, "priorityclasses", cluster=True),
    Right("node.k8s.io", "runtimeclasses", READ, "runtimeclasses", cluster=True),
)


def missing(review: Obj, kinds: frozenset[str], lease_name: str, *, cluster: bool) -> list[str]:
    """Return what a SelfSubjectRulesReview's status does not grant, as "verb resource".

    A review of a namespace lists the rules that hold there and those of the whole cluster alike.
    An incomplete review (a webhook authorizer that cannot list) proves nothing: the list is empty.
    """
    status = review.get("status") or {}
    if status.get("incomplete"):
        return []
    granted = [
        (
            set(rule.get("apiGroups") or ()),
            set(rule.get("resources") or ()),
            set(rule["verbs"]),
            set(rule.get("resourceNames") or ()),
        )
        for rule in status.get("resourceRules") or ()
    ]

    def allowed(verb: str, right: Right) -> bool:
        return any(
            (verb in verbs or "*" in verbs)
            and (right.group in groups or "*" in groups)
            and (right.resource in resources or "*" in resources)
            and (not names or (right.named and lease_name in names))
            for groups, resources, verbs, names in granted
        )

    return [
        f"{verb} {right.resource}" + (f".{right.group}" if right.group else "")
        for right in RIGHTS
        if right.cluster is cluster and (not right.kind or right.kind in kinds)
        for verb in right.verbs
        if not allowed(verb, right)
    ]
