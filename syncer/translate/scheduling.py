"""What the host's scheduler is told, within the tenant's own pods."""

from __future__ import annotations

from syncer.errors import Refused
from syncer.identity import MANAGED_BY, NAMESPACE, tenant_key, tenant_selector
from syncer.kube.objects import Obj
from syncer.translate.nodes import is_extended

ALLOWED_TAINTS = "node.kubernetes.io/"
"""Tolerations of the well-known node conditions pass; others are the host operator's to grant."""


def affinity(virt_pod: Obj, release: str) -> Obj | None:
    """Return the pod's affinity on the host, with a `nodeName` of the tenant's as a rule of it."""
    source = virt_pod["spec"].get("affinity") or {}
    result = {key: value for key, value in source.items() if key == "nodeAffinity"}
    namespace = virt_pod["metadata"]["namespace"]
    for field in ("podAffinity", "podAntiAffinity"):
        if source.get(field):
            result[field] = _pod_affinity(source[field], namespace, release)
    if unknown := source.keys() - {"nodeAffinity", "podAffinity", "podAntiAffinity"}:
        raise Refused("FieldRefused", f"affinity.{', '.join(unknown)} is not known to this syncer")
    if node := virt_pod["spec"].get("nodeName"):
        result["nodeAffinity"] = _on_node(result.get("nodeAffinity") or {}, node)
    return result or None


def on_node(node: str) -> Obj:
    """Return the affinity for the node that the virtual cluster's own scheduler chose.

    Nothing else of the tenant's wishes goes along: they were about the virtual nodes and pods, and
    have been granted. The host's scheduler still has its say about taints and room (threats A9).
    """
    return {"nodeAffinity": _on_node({}, node)}


def offered(resources: Obj | None, host_node: Obj) -> Obj | None:
    """Return a container's resources without those that only the virtual node has.

    A tenant may give a virtual node extended resources of any name: the host knows nothing of them.
    """
    known = host_node["status"]["allocatable"]
    return resources and {
        field: {
            name: amount for name, amount in value.items() if not is_extended(name) or name in known
        }
        if field in ("limits", "requests")
        else value
        for field, value in resources.items()
    }


def spread(virt_pod: Obj, release: str) -> list[Obj] | None:
    """Return the topology spread constraints on the host."""
    namespace = virt_pod["metadata"]["namespace"]
    result = []
    for constraint in virt_pod["spec"].get("topologySpreadConstraints") or ():
        mapped = {
            **constraint,
            "labelSelector": own_selector(constraint.get("labelSelector"), [namespace], release),
        }
        mapped.pop("matchLabelKeys", None)
        if keys := _unmerged_keys(constraint):
            mapped["matchLabelKeys"] = [tenant_key(key) for key in keys]
        result.append(mapped)
    return result or None


def tolerations(virt_pod: Obj) -> list[Obj] | None:
    """Return the tolerations that reach the host."""
    return [
        each
        for each in virt_pod["spec"].get("tolerations") or ()
        if each.get("key", "").startswith(ALLOWED_TAINTS)
    ] or None


def _unmerged_keys(constraint: Obj) -> list[str]:
    """Return the matchLabelKeys that the virtual API server has not merged into the selector.

    Since 1.34 it does so (KEP-3243); a host that merged them again would refuse the doubled key.
    """
    selector = constraint.get("labelSelector") or {}
    merged = {each["key"] for each in selector.get("matchExpressions") or ()}
    return [key for key in constraint.get("matchLabelKeys") or () if key not in merged]


def _pod_affinity(source: Obj, namespace: str, release: str) -> Obj:
    result: Obj = {}
    for term in source.get("requiredDuringSchedulingIgnoredDuringExecution") or ():
        result.setdefault("requiredDuringSchedulingIgnoredDuringExecution", []).append(
            _term(term, namespace, release)
        )
    for weighted in source.get("preferredDuringSchedulingIgnoredDuringExecution") or ():
        result.setdefault("preferredDuringSchedulingIgnoredDuringExecution", []).append(
            {**weighted, "podAffinityTerm": _term(weighted["podAffinityTerm"], namespace, release)}
        )
    return result


def _term(term: Obj, namespace: str, release: str) -> Obj:
    known = {
        "labelSelector",
        "topologyKey",
        "namespaces",
        "namespaceSelector",
        # The virtual API server has merged these two into labelSelector (KEP-3633).
        "matchLabelKeys",
        "mismatchLabelKeys",
    }
    if unknown := term.keys() - known:
        raise Refused("FieldRefused", f"podAffinity {', '.join(unknown)} is not known")
    selector = term.get("namespaceSelector")
    if selector:
        raise Refused(
            "FieldRefused",
            "podAffinity namespaceSelector with labels is not offered: name the namespaces, or"
            " use {} for all",
        )
    everywhere = selector is not None
    namespaces = None if everywhere else (term.get("namespaces") or [namespace])
    # Neither field reaches the host: all our pods stand in one host namespace.
    return {
        "topologyKey": term["topologyKey"],
        "labelSelector": own_selector(term.get("labelSelector"), namespaces, release),
    }


def own_selector(selector: Obj | None, namespaces: list[str] | None, release: str) -> Obj | None:
    """Return the selector on the host: the tenant's, and never beyond the tenant's own pods.

    `namespaces` are virtual ones; None stands for all.
    """
    mapped = tenant_selector(selector)
    if mapped is None:
        return None  # selects nothing, there as here
    expressions = list(mapped.get("matchExpressions") or ())
    if namespaces is not None:
        expressions.append({"key": NAMESPACE, "operator": "In", "values": sorted(namespaces)})
    return {
        "matchLabels": {**(mapped.get("matchLabels") or {}), MANAGED_BY: release},
        **({"matchExpressions": expressions} if expressions else {}),
    }


def _on_node(node_affinity: Obj, node: str) -> Obj:
    rule = {"key": "metadata.name", "operator": "In", "values": [node]}
    required = node_affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    terms = required.get("nodeSelectorTerms") or [{}]
    return {
        **node_affinity,
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [
                {**term, "matchFields": [*(term.get("matchFields") or ()), rule]} for term in terms
            ]
        },
    }
