"""Classes of the host, shown in the virtual cluster as copies that are there to be named. Pure.

The only way is up: a default class of the tenant's once became the host's elsewhere (threats C2).
What a class says to the host's drivers and controllers (parameters, mount options, the operator's
annotations) stays there: it may name Secrets.
"""

from __future__ import annotations

from typing import NamedTuple

from syncer.identity import MANAGED_BY
from syncer.kube import resources
from syncer.kube.objects import Obj, merge_patch
from syncer.kube.resources import Resource

SYSTEM = "system-"
"""Priority classes of this name are every cluster's own, and never a tenant's (threats A11)."""


class ClassKind(NamedTuple):
    """One kind of class."""

    name: str
    resource: Resource
    shown: tuple[str, ...]
    """The fields that a copy has."""
    hidden: tuple[str, ...] = ()
    """All others that the tenant could add to a copy."""
    annotations: tuple[str, ...] = ()
    """Those that a copy has."""


CLASSES = {
    kind.name: kind
    for kind in (
        ClassKind(
            "storageclasses",
            resources.STORAGE_CLASSES,
            (
                "allowVolumeExpansion",
                "allowedTopologies",
                "provisioner",
                "reclaimPolicy",
                "volumeBindingMode",
            ),
            hidden=("mountOptions", "parameters"),
            annotations=(
                "storageclass.kubernetes.io/is-default-class",
                "storageclass.beta.kubernetes.io/is-default-class",
            ),
        ),
        ClassKind(
            "ingressclasses",
            resources.INGRESS_CLASSES,
            ("spec",),
            annotations=("ingressclass.kubernetes.io/is-default-class",),
        ),
        # Not globalDefault: the host's own admission gives its default to pods without a class, and
        # a cluster can have one only, which the tenant may have chosen.
        ClassKind(
            "priorityclasses",
            resources.PRIORITY_CLASSES,
            ("description", "preemptionPolicy", "value"),
            hidden=("globalDefault",),
        ),
        ClassKind(
            "runtimeclasses",
            resources.RUNTIME_CLASSES,
            ("handler", "overhead", "scheduling"),
        ),
    )
}


def shown(host_class: Obj | None) -> bool:
    """Tell whether a host class is shown."""
    return host_class is not None and not host_class["metadata"]["name"].startswith(SYSTEM)


def to_virt(kind: ClassKind, host_class: Obj, release: str) -> Obj:
    """Return the copy of a host class."""
    meta = host_class["metadata"]
    annotations = meta.get("annotations") or {}
    return {
        "apiVersion": kind.resource.api_version,
        "kind": kind.resource.kind,
        "metadata": {
            "name": meta["name"],
            "labels": {MANAGED_BY: release},
            "annotations": {
                key: annotations[key] for key in kind.annotations if key in annotations
            },
        },
        **_content(kind, host_class),
    }


def difference(kind: ClassKind, virt_class: Obj, copy: Obj) -> Obj:
    """Return the merge patch that makes a virtual class the copy again; empty when it is."""
    fields = (*kind.shown, *kind.hidden)
    have = {field: virt_class[field] for field in fields if virt_class.get(field)}
    want = {field: copy[field] for field in fields if field in copy}
    patch = merge_patch(have, want)
    noted = virt_class["metadata"].get("annotations") or {}
    wanted = copy["metadata"]["annotations"]
    if changes := {k: wanted.get(k) for k in kind.annotations if noted.get(k) != wanted.get(k)}:
        patch["metadata"] = {"annotations": changes}
    return patch


def _content(kind: ClassKind, host_class: Obj) -> Obj:
    content = {field: host_class[field] for field in kind.shown if host_class.get(field)}
    if "spec" in content:  # of an ingress class: its parameters stay with the host
        content["spec"] = {"controller": content["spec"].get("controller", "")}
    return content
