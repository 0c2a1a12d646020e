"""ConfigMaps: their data, and nothing else."""

from __future__ import annotations

from syncer.kube.objects import Key, Obj
from syncer.translate.context import Scope


def to_host(virt: Obj, scope: Scope) -> Obj:
    """Return the host ConfigMap."""
    meta = virt["metadata"]
    key = Key("configmaps", meta["namespace"], meta["name"])
    # `immutable` is not copied: the tenant may delete and re-create, and so must we.
    data = {field: virt[field] for field in ("data", "binaryData") if virt.get(field)}
    metadata = scope.ident.metadata(key, virt)
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **data}
