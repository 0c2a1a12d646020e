"""Certificates that the host's cert-manager makes for our ingresses, shown to their tenant.

In a cluster of one's own, cert-manager puts the certificate of an Ingress into the Secret that its
`spec.tls` names. Here it makes that Secret on the host, under the name that translation gave it.
It gets our mark there, so that it goes with the Ingress and with the installation, and the tenant
gets a copy under the name that `spec.tls` has. Of the host nothing else is ever copied: a Secret of
another type, of another name, or not made for a Certificate of just this name is left alone, and so
is a Secret of the tenant's own.

    made   named   the tenant's Secret   what is done
    yes    yes     none, or the copy     mark the host's, keep the copy equal
    yes    yes     the tenant's own      mark the host's (that it is taken, kinds.py says)
    yes    no      -                     delete the copy, and the host's if it has our mark and none
                                         of the ingresses that it was made for is there any more
    no     -       -                     delete the copy

"made": the host has such a Secret; "named": an Ingress with a twin names it in `spec.tls`. As long
as an Ingress is there, so may be its Certificate, and what is deleted would be ordered again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import structlog

from syncer import identity
from syncer.errors import AlreadyExists, NotFound
from syncer.kube.client import Client
from syncer.kube.objects import Key, Obj, annotation, is_deleting, merge_patch, ref_of
from syncer.kube.resources import SECRETS
from syncer.kube.store import Change
from syncer.kube.workqueue import Queue
from syncer.state.cluster import World
from syncer.sync.watches import Reconciler, Request, Watch
from syncer.translate import ingresses
from syncer.translate.certificates import asked_by, copy_of, is_copy, is_made_for, mark

log = structlog.get_logger()
KIND = "certificates"
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 300.0
"""Seconds before the Secret of a deleted Ingress goes: as long as its Certificate is there, which
the host's garbage collector removes, cert-manager would make the Secret again."""


class Certificates(Reconciler):
    """Reconciles what `KIND` keys name: a namespace of the virtual cluster and a Secret's name."""

    kind = KIND

    def __init__(
        self, world: World, virt: Client, host: Client, queue: Queue, clock: Callable[[], float]
    ) -> None:
        self._world = world
        self._virt = virt
        self._host = host
        self._queue = queue
        self._clock = clock
        self._asked: dict[str, Key] = {}
        """What ingresses name, by its name on the host."""
        self._leaving: dict[Key, tuple[float, float]] = {}
        """What nobody names any more: when it may be deleted, and the pause before that."""

    def watches(self) -> Iterator[Watch]:
        """Yield the host's TLS Secrets, the tenant's Secrets, and both sides' ingresses."""
        world = self._world
        yield Watch(world.certificates, self._host_secret, "the host's Secret changed")
        yield Watch(world.virt["secrets"], self._virtual_secret, "the tenant's Secret changed")
        yield Watch(world.virt["ingresses"], self._ingress, "an Ingress names it")
        yield Watch(world.host["ingresses"], self._host_ingress, "an Ingress's twin changed")

    async def reconcile(self, key: Key) -> None:
        """Do what the module's table says."""
        name = self._host_name(key)
        if not self._owners(key):
            self._asked.pop(name, None)
        host_obj = self._world.certificates.get(self._world.ident.host_namespace, name)
        if host_obj is not None and (is_deleting(host_obj) or not is_made_for(host_obj, name)):
            host_obj = None
        named = self._named(key)
        if host_obj is not None and (named or key in self._leaving):
            patch = mark(self._world.ident, key, host_obj, named)
            if patch:
                host_obj = await self._host.patch(SECRETS, host_obj, {"metadata": patch})
                self._world.certificates.put_written(host_obj)
        if named:
            self._leaving.pop(key, None)
        if host_obj is not None and named:
            await self._show(key, host_obj)
            return
        await self._hide(key)
        if host_obj is not None and self._world.ident.is_ours(host_obj):
            await self._remove(key, host_obj)

    async def _show(self, key: Key, host_obj: Obj) -> None:
        virt_obj = self._world.virt["secrets"].get(key.namespace, key.name)
        copy = copy_of(key, host_obj)
        if virt_obj is None:
            try:
                virt_obj = await self._virt.create(SECRETS, key.namespace, copy)
            except AlreadyExists:
                return  # the tenant's: the watch shows it in a moment
            log.info("certificate copied", virt_namespace=key.namespace, virt_name=key.name)
        elif is_copy(virt_obj) and not is_deleting(virt_obj):
            change = merge_patch(virt_obj.get("data") or {}, copy["data"])
            if not change:
                return
            virt_obj = await self._virt.patch(SECRETS, virt_obj, {"data": change})
        self._world.virt["secrets"].put_written(virt_obj)

    async def _hide(self, key: Key) -> None:
        virt_obj = self._world.virt["secrets"].get(key.namespace, key.name)
        if virt_obj is not None and is_copy(virt_obj) and not is_deleting(virt_obj):
            await self._delete(self._virt, virt_obj)

    async def _remove(self, key: Key, host_obj: Obj) -> None:
        if any(self._on_host(Key("ingresses", key.namespace, name)) for name in asked_by(host_obj)):
            return
        now = self._clock()
        due, pause = self._leaving.setdefault(key, (now + FIRST_PAUSE, FIRST_PAUSE))
        if now < due:
            self._queue.add_after(key, due - now)
            return
        pause = min(pause * 2.0, LONGEST_PAUSE)
        self._leaving[key] = (now + pause, pause)
        await self._delete(self._host, host_obj)
        log.info("certificate deleted", virt_namespace=key.namespace, virt_name=key.name)

    async def _delete(self, client: Client, obj: Obj) -> None:
        try:
            await client.delete(SECRETS, obj)
        except NotFound:
            return

    def _named(self, key: Key) -> set[str]:
        """Return the names of the ingresses on the host that name the Secret."""
        return {owner.name for owner in self._owners(key) if self._on_host(owner)}

    def _owners(self, key: Key) -> set[Key]:
        """Return the ingresses that name the Secret."""
        owners = self._world.references.owners(key._replace(kind="secrets"))
        return {owner for owner in owners if owner.kind == "ingresses"}

    def _on_host(self, ingress: Key) -> bool:
        host_obj = self._world.host_object(ingress)
        return host_obj is not None and self._world.ident.is_ours(host_obj)

    def _host_name(self, key: Key) -> str:
        return self._world.ident.host_name(key._replace(kind="secrets"))

    # --- from stores to keys

    def _host_secret(self, change: Change) -> Iterator[Request]:
        for host_obj in (change.old, change.new):
            if host_obj is None or annotation(host_obj, identity.UID):
                continue  # a twin
            marked = identity.virtual_key(host_obj)
            if marked is not None and marked.kind == KIND:
                yield Request(marked, backlog=change.initial)
            name = host_obj["metadata"]["name"]
            if name in self._asked:
                yield Request(self._asked[name], backlog=change.initial)
            for key in self._leaving:
                if self._host_name(key) == name:
                    yield Request(key, backlog=change.initial)

    def _virtual_secret(self, change: Change) -> Iterator[Request]:
        key = Key(KIND, *ref_of(change.obj))
        owners = self._world.references.owners(key._replace(kind="secrets"))
        if owners or is_copy(change.obj):
            yield Request(key)
        if change.old is None or change.new is None:
            for owner in owners:
                if owner.kind == "ingresses":
                    yield Request(owner)  # whether it may ask for a certificate depends on it

    def _ingress(self, change: Change) -> Iterator[Request]:
        for virt in (change.old, change.new):
            if virt is not None:
                yield from self._named_by(virt)

    def _host_ingress(self, change: Change) -> Iterator[Request]:
        key = identity.virtual_key(change.obj)
        virt = self._world.virt_object(key) if key is not None and key.kind == "ingresses" else None
        if virt is not None:
            yield from self._named_by(virt)
        if change.new is None:
            for secret in self._world.certificates:
                marked = identity.virtual_key(secret)
                if marked is not None and marked.kind == KIND:
                    yield Request(marked)

    def _named_by(self, virt: Obj) -> Iterator[Request]:
        for ref in ingresses.references(virt):
            key = ref._replace(kind=KIND)
            self._asked[self._host_name(key)] = key
            yield Request(key)
