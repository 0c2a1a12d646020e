"""PersistentVolumes: what stands behind a bound claim, shown in the virtual cluster. Pure.

The only way is up. A volume of the tenant's own never reaches the host (threats F1), and what the
host's says of its place there (paths, handles, servers) never reaches the tenant.
"""

from __future__ import annotations

from syncer.identity import MANAGED_BY, UID, Identity
from syncer.kube.objects import Obj, annotation, uid_of

DRIVER = "host.virtualcluster.dev"
"""Stands where a volume names its driver: no kubelet or controller anywhere answers to it."""
HOST_SPEC = ("nodeAffinity", "persistentVolumeReclaimPolicy")
"""What only the host's own volume tells, where the operator lets the syncer read it."""


def bound(virt_claim: Obj | None, host_claim: Obj | None, name: str) -> bool:
    """Tell whether the claim's twin is bound to the host volume of that name."""
    if virt_claim is None or host_claim is None:
        return False
    return (
        annotation(host_claim, UID) == uid_of(virt_claim)
        and host_claim["spec"].get("volumeName") == name
        and (host_claim.get("status") or {}).get("phase") == "Bound"
    )


def to_virt(
    name: str, virt_claim: Obj, host_claim: Obj, host_volume: Obj | None, ident: Identity
) -> Obj:
    """Return the virtual volume of a claim whose twin is bound.

    `host_volume` is the host's own volume, None where we have no right to read it.
    """
    spec, status, meta = host_claim["spec"], host_claim["status"], virt_claim["metadata"]
    theirs = (host_volume or {}).get("spec") or {}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": name,
            "labels": {MANAGED_BY: ident.release},
            "annotations": {"pv.kubernetes.io/provisioned-by": DRIVER},
        },
        "spec": {
            "accessModes": status.get("accessModes") or spec["accessModes"],
            "capacity": {"storage": _capacity(host_claim)},
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": meta["namespace"],
                "name": meta["name"],
                "uid": meta["uid"],
            },
            "csi": {"driver": DRIVER, "volumeHandle": name},
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": spec.get("storageClassName") or "",
            "volumeMode": spec.get("volumeMode") or "Filesystem",
            **{field: theirs[field] for field in HOST_SPEC if theirs.get(field)},
        },
    }


def slim(host_volume: Obj) -> Obj:
    """Return what we keep of a host volume: most are other people's, and none is ever written."""
    meta, spec = host_volume["metadata"], host_volume.get("spec") or {}
    kept = {field: meta[field] for field in ("name", "uid", "resourceVersion") if field in meta}
    return {"metadata": kept, "spec": {field: spec[field] for field in HOST_SPEC if field in spec}}


def _capacity(host_claim: Obj) -> str:
    capacity = host_claim["status"].get("capacity") or host_claim["spec"]["resources"]["requests"]
    return str(capacity["storage"])
