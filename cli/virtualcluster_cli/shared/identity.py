# Made by scripts/generate from syncer/identity.py: edit that one.
"""Names, marks and labels between the two sides. Pure.

A host name must tell its virtual object, and no two virtual objects may ever share one: not two
of a tenant who picks names to collide, not two virtual clusters in one host namespace.

`<name>-x-<namespace>-x-<release>` can be read back in one way only when the separator stands in it
exactly twice, overlapping places counted ("a-x-x-b" holds it twice by itself). Every other name,
and every one that is too long, becomes a readable prefix and 128 bits of SHA-256 over the virtual
cluster's UID, the kind, the namespace and the name; such a name never holds the separator.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from virtualcluster_cli.shared.objects import Key, Obj, annotation

PREFIX = "virtualcluster.dev/"
TENANT_LABEL = "tenant.virtualcluster.dev/"
MANAGED_BY = PREFIX + "managed-by"
NAMESPACE = PREFIX + "namespace"
NAME = PREFIX + "name"
UID = PREFIX + "uid"
KIND = PREFIX + "kind"
PASSED = PREFIX + "annotations"  # the keys of the tenant's annotations that were passed on
RESERVED = "reserved"  # the UID of a Service until its virtual twin exists (startup/discover.py)
SEPARATOR = "-x-"
DNS_SERVICE = Key("services", "kube-system", "kube-dns")
LONGEST = 63  # pods' hostnames and services are DNS labels


class Identity(NamedTuple):
    """Who we are on the host: `uid` is the anchor ConfigMap's, one per installation."""

    host_namespace: str
    release: str
    uid: str

    @property
    def anchor(self) -> str:
        """Return the name of the ConfigMap that owns everything."""
        return f"{self.release}-anchor"

    @property
    def selector(self) -> str:
        """Return the label selector that finds our host objects and no others."""
        return f"{MANAGED_BY}={self.release}"

    def host_name(self, key: Key) -> str:
        """Return the host name of a virtual object; two objects of a kind never share one."""
        readable = SEPARATOR.join((key.name, key.namespace, self.release))
        if len(readable) <= LONGEST and _separators(readable) == 2:  # noqa: PLR2004
            return readable
        return self.hashed_name(key)

    def hashed_name(self, key: Key, virt_uid: str = "") -> str:
        """Return the name with the hash, also for what has no virtual twin of that name.

        `virt_uid`: for what an earlier object of the name must not share with this one.
        """
        parts = (self.uid, key.kind, key.namespace, key.name, *filter(None, [virt_uid]))
        digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
        prefix = key.name.replace(".", "-")[: LONGEST - len(digest) - 1]
        while SEPARATOR in prefix:
            prefix = prefix.replace(SEPARATOR, "-")
        # The readable form always holds the separator: "-x" before the hash must not make one.
        prefix = prefix.strip("-").removesuffix("-x") or "vc"
        return f"{prefix}-{digest}"

    def marks(self, key: Key, virt_uid: str) -> dict[str, str]:
        """Return the annotations that say which virtual object this is the twin of."""
        return {NAME: key.name, NAMESPACE: key.namespace, UID: virt_uid, KIND: key.kind}

    def labels(self, namespace: str, virt_labels: dict[str, str] | None) -> dict[str, str]:
        """Return a host object's labels: the tenant's under hashed keys, then our own."""
        return {
            **tenant_labels(virt_labels),
            MANAGED_BY: self.release,
            NAMESPACE: namespace,
        }

    def owner(self, *, controller: bool = False) -> Obj:
        """Return the reference to the anchor.

        `controller` is set on pods only: `kubectl drain` demands one. No blockOwnerDeletion:
        it would need rights on finalizers (OwnerReferencesPermissionEnforcement).
        """
        owner: Obj = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": self.anchor,
            "uid": self.uid,
        }
        return {**owner, "controller": True} if controller else owner

    def metadata(self, key: Key, virt: Obj, *, name: str = "", controller: bool = False) -> Obj:
        """Return the whole metadata of a host object; nothing of the tenant's goes in as it is."""
        meta = virt["metadata"]
        return {
            "name": name or self.host_name(key),
            "namespace": self.host_namespace,
            "labels": self.labels(key.namespace, meta.get("labels")),
            "annotations": self.marks(key, meta["uid"]),
            "ownerReferences": [self.owner(controller=controller)],
        }

    def is_ours(self, host: Obj) -> bool:
        """Tell whether a host object carries our mark."""
        labels = host["metadata"].get("labels") or {}
        return labels.get(MANAGED_BY) == self.release and bool(annotation(host, KIND))

    def shows(self, virt: Obj) -> bool:
        """Tell whether a virtual class or volume is one that we show; others are the tenant's."""
        return (virt["metadata"].get("labels") or {}).get(MANAGED_BY) == self.release


def tenant_labels(virt_labels: dict[str, str] | None) -> dict[str, str]:
    """Return the tenant's labels under keys that no host selector can mean."""
    return {tenant_key(key): value for key, value in (virt_labels or {}).items()}


def tenant_key(key: str) -> str:
    """Return the host's key of a tenant's label key."""
    return TENANT_LABEL + hashlib.sha256(key.encode()).hexdigest()[:32]


def tenant_selector(selector: Obj | None) -> Obj | None:
    """Return a label selector (matchLabels, matchExpressions) under the host's keys."""
    if selector is None:
        return None
    result: Obj = {}
    if selector.get("matchLabels"):
        result["matchLabels"] = tenant_labels(selector["matchLabels"])
    if selector.get("matchExpressions"):
        result["matchExpressions"] = [
            {**each, "key": tenant_key(each["key"])} for each in selector["matchExpressions"]
        ]
    return result


def virtual_key(host: Obj) -> Key | None:
    """Return the virtual object that a host object says it is the twin of."""
    kind, name = annotation(host, KIND), annotation(host, NAME)
    if not kind or not name:
        return None
    return Key(kind, annotation(host, NAMESPACE), name)


def _separators(text: str) -> int:
    """Count the separator, overlapping places included."""
    return sum(text.startswith(SEPARATOR, at) for at in range(len(text)))
