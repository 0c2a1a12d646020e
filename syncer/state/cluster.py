"""All that is known of both sides, and what follows from it without asking anybody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from syncer.identity import DNS_SERVICE, UID, Identity, virtual_key
from syncer.kube.objects import Key, Obj, annotation, uid_of
from syncer.kube.store import Store
from syncer.state.deletion_brake import DeletionBrake
from syncer.state.object_limit import Room
from syncer.state.pod_index import PodIndex
from syncer.state.references import References
from syncer.state.token_index import TokenIndex
from syncer.translate import classes
from syncer.translate.context import Scope


class Shown(NamedTuple):
    """A cluster-scoped kind that is shown inside and never mirrored: no object has a twin."""

    virt: Store
    host: Store


class World:
    """The stores of both sides by kind, and who references what."""

    def __init__(self, scope: Scope, virt_kinds: Iterator[str] | list[str]) -> None:
        self.scope = scope
        self.virt: dict[str, Store] = {}
        self.host: dict[str, Store] = {}
        for kind in virt_kinds:
            self.virt[kind] = Store()
            self.host[kind] = Store()
        self.pods = PodIndex(self.virt["pods"], self.host["pods"])
        self.tokens = TokenIndex(self.host["secrets"])
        self.shown = {
            kind: Shown(Store(), Store()) for kind in (*classes.CLASSES, "persistentvolumes")
        }
        self.certificates = Store()
        """The TLS Secrets of the host namespace, whoever made them: see sync/certificates.py."""
        self.references = References()
        self.room = Room(
            self.host,
            lambda: self.scope.max_objects,
            lambda key: self.virt_object(key) is not None,
            self.tokens,
        )
        self.brake = DeletionBrake()

    @property
    def ident(self) -> Identity:
        """Return who we are on the host."""
        return self.scope.ident

    def virt_object(self, key: Key) -> Obj | None:
        """Return the virtual object of a key."""
        return self.virt[key.kind].get(key.namespace, key.name)

    def host_object(self, key: Key) -> Obj | None:
        """Return the host twin of a key."""
        return self.host[key.kind].get(self.ident.host_namespace, self.host_name(key))

    def original(self, kind: str, host_obj: Obj) -> Obj | None:
        """Return the virtual object whose twin a host object is.

        None when it is gone, or another of its name has come in its place.
        """
        key = virtual_key(host_obj)
        if key is None or key.kind != kind:
            return None
        virt_obj = self.virt_object(key)
        if virt_obj is None or uid_of(virt_obj) != annotation(host_obj, UID):
            return None
        return virt_obj

    def host_name(self, key: Key) -> str:
        """Return the name that the twin has."""
        if key.kind == "endpoints":  # belongs to the service of its own name
            return self.ident.host_name(key._replace(kind="services"))
        return self.ident.host_name(key)

    def is_copy(self, kind: str, name: str) -> bool:
        """Tell whether the virtual class of that name is the copy of one that the host has."""
        virt_class, host_class = (store.get("", name) for store in self.shown[kind])
        return virt_class is not None and classes.shown(host_class) and self.ident.shows(virt_class)

    def dns_ip(self) -> str:
        """Return the host ClusterIP of the virtual cluster's DNS; empty while there is none."""
        host = self.host_object(DNS_SERVICE)
        ip = host["spec"].get("clusterIP", "") if host is not None else ""
        return "" if ip == "None" else str(ip)

    def services_in(self, namespace: str) -> list[Obj]:
        """Return the virtual services of a namespace."""
        return list(self.virt["services"].within(namespace))
