"""The table of what is synced by the common rules; pods and services have further ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from syncer.errors import Refused
from syncer.kube import resources
from syncer.kube.objects import Key, Obj, annotation, controller_of, ref_of
from syncer.kube.resources import Resource
from syncer.state.cluster import World
from syncer.sync.remark import Remark
from syncer.translate import (
    certificates,
    configmaps,
    ingresses,
    persistentvolumeclaims,
    poddisruptionbudgets,
    secrets,
    services,
    status,
)
from syncer.translate.classes import CLASSES


class Kind(NamedTuple):
    """One kind: how it is translated, when it has a twin, which status comes back."""

    name: str
    resource: Resource
    to_host: Callable[[Obj, World], Obj]
    wanted: Callable[[Key, Obj, World], bool]
    status: Callable[[Obj], Obj] | None = None
    final: bool = False
    """A twin that is gone is not made again: it held data (threats R12)."""
    strict: bool = False
    """A twin goes when its virtual object is refused: what it said may not stay (threats E)."""
    remark: Callable[[Obj, World], Remark | None] | None = None
    """What the tenant is told about an object that was synced in part."""
    names: Callable[[Obj], set[Key]] | None = None
    """What an object names: that reaches the host too, as long as it is named."""


def _always(_key: Key, _virt: Obj, _world: World) -> bool:
    return True


def _referenced(key: Key, _virt: Obj, world: World) -> bool:
    return world.references.wanted(key)


def _secret(virt: Obj, world: World) -> Obj:
    host = world.host_object(Key("secrets", *ref_of(virt)))
    if host is not None and annotation(host, certificates.CERTIFICATE):
        # Data that both wrote would change hands for ever.
        raise Refused(
            "NameTaken",
            f"an Ingress asked the host's cert-manager for a certificate in the Secret"
            f" {virt['metadata']['name']!r}, and there it stays: name another secretName there",
        )
    return secrets.to_host(virt, world.scope)


def _referenced_original(key: Key, virt: Obj, world: World) -> bool:
    """All but the copies of what the host has already."""
    return _referenced(key, virt, world) and not certificates.is_copy(virt)


def _ingress(virt: Obj, world: World) -> Obj:
    if _own_secrets(virt, world):
        virt = certificates.without_asking(virt)
    return ingresses.to_host(virt, world.scope)


def _own_certificates(virt: Obj, world: World) -> Remark | None:
    own = _own_secrets(virt, world)
    if not own or not certificates.asks(virt):
        return None
    return Remark(
        virt,
        "CertificateNotAsked",
        f"the host's cert-manager is not asked for certificates: {', '.join(sorted(own))} of"
        " spec.tls exists in this namespace and is served as it is; delete it, or name another",
    )


def _own_secrets(virt: Obj, world: World) -> set[str]:
    """Return the names in `spec.tls` under which the tenant has made a Secret, before the host."""
    found = set()
    for key in ingresses.references(virt):
        secret, host = world.virt_object(key), world.host_object(key)
        made = host is not None and annotation(host, certificates.CERTIFICATE)
        if secret is not None and not certificates.is_copy(secret) and not made:
            found.add(key.name)
    return found


def _service(_key: Key, virt: Obj, _world: World) -> bool:
    return not services.stays_virtual(virt)


def _external_ips(virt: Obj, _world: World) -> Remark | None:
    """Tell that what would catch anybody's traffic was left out (threats E1)."""
    if not virt["spec"].get("externalIPs"):
        return None
    return Remark(
        virt,
        "ExternalIPsNotPassed",
        "spec.externalIPs has no effect in a virtual cluster: the host is not told of them; the"
        " rest of the Service works",
    )


def _hand_made_endpoints(key: Key, _virt: Obj, world: World) -> bool:
    """Only for services that have a twin and no selector: the host makes all others itself."""
    return _selectorless(world, key.namespace, key.name)


def _hand_made_slice(key: Key, virt: Obj, world: World) -> bool:
    meta = virt["metadata"]
    labels = meta.get("labels") or {}
    # Slices that a controller made have a hand-made Endpoints behind them, which the host mirrors.
    made = "endpointslice.kubernetes.io/managed-by" in labels and controller_of(virt) is not None
    service = labels.get("kubernetes.io/service-name", "")
    mirrored = labels.get("endpointslice.kubernetes.io/managed-by", "").startswith(
        "endpointslicemirroring-controller"
    )
    return not made and not mirrored and _selectorless(world, key.namespace, service)


def _selectorless(world: World, namespace: str, name: str) -> bool:
    service = world.virt["services"].get(namespace, name)
    if service is None or services.stays_virtual(service):
        return False
    return not service["spec"].get("selector")


def _chosen_node(virt: Obj, world: World) -> str:
    """Return the claim's node if a scheduler of ours chose it among the host's (threats F5)."""
    node = annotation(virt, persistentvolumeclaims.SELECTED_NODE)
    known = world.host["nodes"].get("", node) is not None
    return node if world.scope.virtual_scheduler and known else ""


CONFIGMAPS = Kind(
    "configmaps",
    resources.CONFIGMAPS,
    lambda virt, world: configmaps.to_host(virt, world.scope),
    _referenced,
)
SECRETS = Kind(
    "secrets",
    resources.SECRETS,
    _secret,
    _referenced_original,
)
CLAIMS = Kind(
    "persistentvolumeclaims",
    resources.CLAIMS,
    lambda virt, world: persistentvolumeclaims.to_host(
        virt, world.scope, _chosen_node(virt, world)
    ),
    _always,
    final=True,
)
INGRESSES = Kind(
    "ingresses",
    resources.INGRESSES,
    _ingress,
    _always,
    status=status.load_balancer,
    strict=True,
    remark=_own_certificates,
    names=ingresses.references,
)
SERVICES = Kind(
    "services",
    resources.SERVICES,
    lambda virt, world: services.to_host(virt, world.scope, world.host_object(services.key(virt))),
    _service,
    status=status.load_balancer,
    remark=_external_ips,
)
ENDPOINTS = Kind(
    "endpoints",
    resources.ENDPOINTS,
    lambda virt, world: services.endpoints_to_host(virt, world.scope, world.pods.ips()),
    _hand_made_endpoints,
    strict=True,
)
ENDPOINT_SLICES = Kind(
    "endpointslices",
    resources.ENDPOINT_SLICES,
    lambda virt, world: services.slice_to_host(virt, world.scope, world.pods.ips()),
    _hand_made_slice,
    strict=True,
)

BUDGETS = Kind(
    "poddisruptionbudgets",
    resources.BUDGETS,
    lambda virt, world: poddisruptionbudgets.to_host(virt, world.scope),
    _always,
)

BY_DEFAULT = ("services", "configmaps", "secrets", "persistentvolumeclaims", "ingresses", "pods")
"""Switched off by `--disable-sync-resources`."""
OPT_IN = ("endpoints", "endpointslices", "poddisruptionbudgets")
"""Switched on by `--enable-sync-resources`: a namespace's admin lacks the rights for endpoints, and
budgets of the tenant's can hold up the host's people."""
NEEDED_BY_PODS = ("configmaps", "secrets")
"""Synced only while something else that is synced names them."""

NOT_MIRRORED = (
    "ephemeralcontainers",
    "metrics",
    "nodemetrics",
    "nodes",
    "persistentvolumes",
    "resize",
    *CLASSES,
)
"""Switched on likewise, but no rows of this table: part of pods, and shown rather than mirrored."""

KINDS = {
    kind.name: kind
    for kind in (
        CONFIGMAPS,
        SECRETS,
        CLAIMS,
        INGRESSES,
        SERVICES,
        ENDPOINTS,
        ENDPOINT_SLICES,
        BUDGETS,
    )
}
