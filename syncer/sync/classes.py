"""Copies of the host's classes in the virtual cluster, for the kinds that a value switches on.

    host       virtual           what happens
    present    absent            created, with our mark
    present    ours              brought in line; made anew where the API lets nothing be changed
    present    the tenant's      left alone, with an event on it
    absent     ours              deleted
    absent     the tenant's      nothing

What a switched-off value leaves behind goes at the next start (`sweep`).
"""

from __future__ import annotations

from collections.abc import Iterator

import structlog

from syncer.errors import ApiError, BadRequest, NotFound, Unreachable
from syncer.kube.client import Client
from syncer.kube.objects import Key, Obj, is_deleting, ref_of
from syncer.kube.store import Change
from syncer.state.cluster import World
from syncer.sync.remark import Remark
from syncer.sync.watches import Reconciler, Request, Watch
from syncer.translate import classes as translate
from syncer.translate.classes import CLASSES, ClassKind

log = structlog.get_logger()


class ClassMirror(Reconciler):
    """Reconciles the classes of one kind."""

    def __init__(self, row: ClassKind, world: World, virt: Client) -> None:
        self.row = row
        self.kind = row.name
        self.classes = world.shown[self.kind]
        self.ident = world.ident
        self.virt = virt

    def watches(self) -> Iterator[Watch]:
        """Yield both sides' classes."""
        yield Watch(self.classes.virt, self._changed, "the virtual class changed")
        yield Watch(self.classes.host, self._changed, "the host's class changed")

    async def reconcile(self, key: Key) -> Remark | None:
        """Bring one copy in line with the host's class."""
        virt_class, host_class = (store.get("", key.name) for store in self.classes)
        if virt_class is not None and not self.ident.shows(virt_class):
            if host_class is not None and translate.shown(host_class):
                return self._name_taken(virt_class)
        elif host_class is None or not translate.shown(host_class):
            if virt_class is not None:
                await self._delete(virt_class)
        else:
            copy = translate.to_virt(self.row, host_class, self.ident.release)
            await self._show(key, virt_class, copy)
        return None

    async def _show(self, key: Key, virt_class: Obj | None, copy: Obj) -> None:
        if virt_class is None:
            # One that exists all the same is a conflict: the watch is about to show it.
            self.classes.virt.put_written(await self.virt.create(self.row.resource, "", copy))
            log.info("created", kind=self.kind, virt_name=key.name)
            return
        patch = translate.difference(self.row, virt_class, copy)
        if not patch or is_deleting(virt_class):
            return
        try:
            answer = await self.virt.patch(self.row.resource, virt_class, patch)
        except BadRequest:
            await self._delete(virt_class)  # immutable; its end queues the key, to make it anew
            return
        self.classes.virt.put_written(answer)
        log.info("updated", kind=self.kind, virt_name=key.name)

    async def _delete(self, virt_class: Obj) -> None:
        if is_deleting(virt_class):
            return
        try:
            await self.virt.delete(self.row.resource, virt_class)
        except NotFound:
            return
        log.info("deleted", kind=self.kind, virt_name=virt_class["metadata"]["name"])

    def _name_taken(self, virt_class: Obj) -> Remark:
        return Remark(
            virt_class,
            "NameTaken",
            f"the host has a {self.row.resource.kind} of this name, which cannot be shown: yours"
            " is left alone, and on the host its name stands for the host's",
        )

    def _changed(self, change: Change) -> Iterator[Request]:
        yield Request(Key(self.kind, *ref_of(change.obj)))


async def sweep(virt: Client, world: World, kinds: frozenset[str]) -> None:
    """Remove the copies of kinds that are not shown any more; what fails is left for later."""
    for kind in CLASSES.values():
        if kind.name in kinds:
            continue
        try:
            copies, _ = await virt.list(kind.resource, selector=world.ident.selector)
            for copy in copies:
                await virt.delete(kind.resource, copy)
                log.info("deleted", kind=kind.name, virt_name=copy["metadata"]["name"])
        except NotFound:
            continue  # API servers before 1.20 have no such kind
        except (ApiError, Unreachable) as error:
            log.warning("class sweep failed", kind=kind.name, error=str(error))
