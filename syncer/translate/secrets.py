"""Secrets: their data, under a type that nobody on the host acts upon."""

from __future__ import annotations

from syncer.kube.objects import Key, Obj
from syncer.translate.context import Scope

# Types that a host controller or Helm would act upon (threats B3) become plain ones.
PLAIN_TYPES = frozenset(
    (
        "kubernetes.io/service-account-token",
        "bootstrap.kubernetes.io/token",
        "helm.sh/release.v1",
    )
)


def to_host(virt: Obj, scope: Scope) -> Obj:
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
