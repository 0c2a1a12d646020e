"""What a certificate Secret of the host's cert-manager is, and its copy for the tenant. Pure."""

from __future__ import annotations

from syncer import identity
from syncer.identity import Identity
from syncer.kube.objects import Key, Obj, annotation

COPY = identity.PREFIX + "from-host"
"""Label of what the syncer made inside: the tenant's own objects never have it."""
INGRESSES = identity.PREFIX + "ingresses"
"""Annotation of a marked Secret: the names of all ingresses that ever named it."""
TLS = "kubernetes.io/tls"
CERTIFICATE = "cert-manager.io/certificate-name"
ASKING = ("cert-manager.io/", "kubernetes.io/tls-acme")
"""Prefixes of the annotations by which an Ingress asks cert-manager for certificates."""
DATA = ("tls.crt", "tls.key", "ca.crt")


def needs(kinds: frozenset[str]) -> bool:
    """Tell whether certificates are brought back: when both kinds that they join are synced."""
    return {"ingresses", "secrets"} <= kinds


def is_made_for(host: Obj, name: str) -> bool:
    """Tell whether cert-manager made a host Secret, of this name, for an Ingress that names it.

    It calls the Certificate like the Secret. A twin of a tenant's Secret is none, whatever it says.
    """
    return (
        host.get("type") == TLS
        and host["metadata"]["name"] == name
        and annotation(host, CERTIFICATE) == name
        and not annotation(host, identity.UID)
    )


def asked_by(host: Obj) -> set[str]:
    """Return the names of the ingresses that a marked Secret was made for."""
    return set(filter(None, annotation(host, INGRESSES).split(",")))


def mark(ident: Identity, key: Key, host: Obj, ingresses: set[str]) -> Obj:
    """Return what to merge into the metadata so that the Secret is ours; empty when it is.

    `ingresses` are the virtual names of those that name it now.
    """
    meta = host["metadata"]
    labels = {identity.MANAGED_BY: ident.release, identity.NAMESPACE: key.namespace}
    annotations = {
        identity.NAME: key.name,
        identity.NAMESPACE: key.namespace,
        identity.KIND: key.kind,
        INGRESSES: ",".join(sorted(asked_by(host) | ingresses)),
    }
    owners = meta.get("ownerReferences") or []
    patch: Obj = {}
    for field, wanted in (("labels", labels), ("annotations", annotations)):
        have = meta.get(field) or {}
        missing = {name: value for name, value in wanted.items() if have.get(name) != value}
        if missing:
            patch[field] = missing
    if not any(owner.get("uid") == ident.uid for owner in owners):
        patch["ownerReferences"] = [*owners, ident.owner()]
    return patch


def copy_of(key: Key, host: Obj) -> Obj:
    """Return the tenant's copy: the certificate, its key and its issuer; nothing of the host."""
    data = host.get("data") or {}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": key.name,
            "namespace": key.namespace,
            "labels": {COPY: "certificate"},
        },
        "type": TLS,
        "data": {name: data[name] for name in DATA if name in data},
    }


def is_copy(virt: Obj) -> bool:
    """Tell whether a virtual Secret is a copy that the syncer made."""
    return (virt["metadata"].get("labels") or {}).get(COPY) == "certificate"


def without_asking(virt: Obj) -> Obj:
    """Return an Ingress that asks for no certificates."""
    meta = virt["metadata"]
    kept = {
        key: value
        for key, value in (meta.get("annotations") or {}).items()
        if not key.startswith(ASKING)
    }
    return {**virt, "metadata": {**meta, "annotations": kept}}


def asks(virt: Obj) -> bool:
    """Tell whether an Ingress asks for certificates."""
    return any(key.startswith(ASKING) for key in virt["metadata"].get("annotations") or ())
