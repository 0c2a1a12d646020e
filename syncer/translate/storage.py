"""ConfigMaps, Secrets and PersistentVolumeClaims."""

from __future__ import annotations

from syncer.errors import Refused
from syncer.identity import PASSED
from syncer.kube.objects import Key, Obj
from syncer.translate.context import Scope
from syncer.translate.fields import CLAIM_SPEC, apply
from syncer.translate.nested_fields import check

# Types that a host controller or Helm would act upon (threats B3) become plain ones.
PLAIN_TYPES = frozenset(
    (
        "kubernetes.io/service-account-token",
        "bootstrap.kubernetes.io/token",
        "helm.sh/release.v1",
    )
)

SELECTED_NODE = "volume.kubernetes.io/selected-node"


def configmap_to_host(virt: Obj, scope: Scope) -> Obj:
    """Return the host ConfigMap."""
    meta = virt["metadata"]
    key = Key("configmaps", meta["namespace"], meta["name"])
    # `immutable` is not copied: the tenant may delete and re-create, and so must we.
    data = {field: virt[field] for field in ("data", "binaryData") if virt.get(field)}
    metadata = scope.ident.metadata(key, virt)
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **data}


def secret_to_host(virt: Obj, scope: Scope) -> Obj:
    """Return the host Secret."""
    meta = virt["metadata"]
    kind = virt.get("type", "Opaque")
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": scope.ident.metadata(Key("secrets", meta["namespace"], meta["name"]), virt),
        "type": "Opaque" if kind in PLAIN_TYPES else kind,
        "data": virt.get("data") or {},
    }


def claim_to_host(virt: Obj, scope: Scope, node: str = "") -> Obj:
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
