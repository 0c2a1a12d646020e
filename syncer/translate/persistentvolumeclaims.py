"""PersistentVolumeClaims: the data of others are out of reach."""

from __future__ import annotations

from syncer.errors import Refused
from syncer.identity import PASSED
from syncer.kube.objects import Key, Obj
from syncer.translate.context import Scope
from syncer.translate.fields import COPY, DROP, MAP, REFUSE, Verdict, apply
from syncer.translate.nested_fields import check

SELECTED_NODE = "volume.kubernetes.io/selected-node"

CLAIM_SPEC: dict[str, Verdict] = {
    "accessModes": COPY,
    "dataSource": MAP,  # the twin of a claim of the same namespace
    "dataSourceRef": MAP,  # the twin of a claim of the same namespace
    "resources": COPY,
    "selector": DROP,  # would pick somebody's volume (threats F2)
    "storageClassName": COPY,
    "volumeAttributesClassName": REFUSE,  # it is the host operator's choice (threats F4)
    "volumeMode": COPY,
    "volumeName": DROP,  # would take somebody's volume (threats F2)
}


def to_host(virt: Obj, scope: Scope, node: str = "") -> Obj:
    """Return the host PersistentVolumeClaim; a data source may be an own claim only.

    `node` is the one that the virtual cluster's own scheduler chose for the claim's first pod: the
    host makes a volume there, and the scheduler waits for it before it binds the pod.
    """
    meta, spec = virt["metadata"], virt["spec"]
    namespace = meta["namespace"]
    mapped = {
        field: _source(spec[field], namespace, scope)
        for field in ("dataSource", "dataSourceRef")
        if spec.get(field)
    }
    metadata = scope.ident.metadata(Key("persistentvolumeclaims", namespace, meta["name"]), virt)
    if node:
        metadata["annotations"] |= {SELECTED_NODE: node, PASSED: SELECTED_NODE}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata,
        "spec": check(apply(CLAIM_SPEC, spec, mapped, where="spec"), "PersistentVolumeClaimSpec"),
    }


def _source(source: Obj, namespace: str, scope: Scope) -> Obj:
    foreign = source.get("namespace") not in (None, "", namespace)
    if source.get("kind") != "PersistentVolumeClaim" or source.get("apiGroup") or foreign:
        raise Refused(
            "FieldRefused",
            "spec.dataSource may name a PersistentVolumeClaim of the same namespace only",
        )
    key = Key("persistentvolumeclaims", namespace, source["name"])
    return {"kind": "PersistentVolumeClaim", "name": scope.ident.host_name(key)}
