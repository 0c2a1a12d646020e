"""Holds deletions, keeps on the anchor which and why, and lets them go.

    when                                           what goes free
    the operator confirms                          everything
    a held host object is gone                     its key, and with the last one everything
    its virtual object is there again              its key

Whoever leads next, or starts again, reads the anchor before it deletes anything. What it finds
there stays held unless one of these has happened meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import structlog

from syncer.kube.client import Client
from syncer.kube.objects import Key, Obj, ref_of
from syncer.kube.reflector import History
from syncer.kube.resources import CONFIGMAPS
from syncer.kube.store import Change
from syncer.state import deletion_brake
from syncer.state.cluster import World
from syncer.sync.common_watches import twin_key
from syncer.sync.datastore_identity import ANCHOR_KEY, DatastoreIdentity
from syncer.sync.watches import Reconciler, Request, Watch

log = structlog.get_logger()
KEY = Key("holds", "", "")
SHOWN = 20  # held objects that the log names


class Holds(Reconciler):
    """What the controller does about the brake; `add` queues a key."""

    kind = KEY.kind

    def __init__(
        self,
        world: World,
        host: Client,
        datastore: DatastoreIdentity,
        history: History,
        add: Callable[[Key], None],
    ) -> None:
        self._world = world
        self._host = host
        self._datastore = datastore
        self._history = history
        self._add = add
        self._saving = asyncio.Lock()

    async def begin(self) -> Iterable[Key]:
        """Hold what was held before, and what nothing inside explains.

        Where nothing is left to be careful about after a restore, the anchor's key is returned.
        """
        self._at_start()
        restored = self._datastore.restored and not len(self._world.brake)
        return (ANCHOR_KEY,) if restored else ()

    def _at_start(self) -> None:
        datastore = self._datastore
        if not datastore.decided:
            for key, why in datastore.kept.items():
                if self._is_orphan(key):
                    self._world.brake.hold([key], why)
            if len(self._world.brake):
                log.warning("deletions still held", count=len(self._world.brake))
        if datastore.restored:
            if newer := datastore.newer():
                self.hold(newer, "they are newer than the backup that was restored")
            return
        orphans = datastore.orphans()
        if not datastore.decided and deletion_brake.holds_orphans(orphans, datastore.twins()):
            self.hold(orphans, "most host objects have no virtual twin")
        if datastore.kept:
            self._add(KEY)

    def hold(self, keys: Iterable[Key], why: str) -> None:
        """Hold the deletion of these keys' twins until the operator confirms."""
        keys = {key for key in keys if self._on_host(key)}
        if not keys:
            return
        self._world.brake.hold(keys, why)
        self._add(KEY)
        log.error(
            "deletions held",
            why=why,
            count=len(keys),
            some=["/".join(each) for each in sorted(keys)[:SHOWN]],
            cure=deletion_brake.cure(self._world.ident.anchor),
        )

    def confirm(self) -> None:
        """Let held deletions go: the operator said so, or nothing is left of them."""
        for key in self._let_go():
            self._add(key)

    def _let_go(self) -> list[Key]:
        """Release all; return the keys to queue."""
        keys = self._world.brake.release_all()
        self._history.forget()
        log.info("held deletions confirmed", count=len(keys))
        return [*keys, ANCHOR_KEY, KEY]

    def watches(self) -> Iterator[Watch]:
        """Yield both sides of every kind: what is held may be settled by a change of either."""
        for kind, store in self._world.virt.items():
            yield Watch(store, partial(self._virtual_changed, kind), "a held object is settled")
        for kind, store in self._world.host.items():
            yield Watch(store, partial(self._host_changed, kind), "a held object is settled")

    def _virtual_changed(self, kind: str, change: Change) -> Iterator[Request]:
        yield from self._look_at(Key(kind, *ref_of(change.obj)))

    def _host_changed(self, kind: str, change: Change) -> Iterator[Request]:
        if change.new is None and (key := twin_key(kind, change)) is not None:
            yield from self._look_at(key)

    def _look_at(self, key: Key) -> Iterator[Request]:
        """Let go of a key that is settled: gone on the host, or there again inside.

        When that was the last one, what only followed it is confirmed.
        """
        brake = self._world.brake
        if key not in brake or self._is_orphan(key):
            return
        brake.release(key)
        yield Request(KEY)
        if brake.only_followers():
            yield from map(Request, self._let_go())

    def _on_host(self, key: Key) -> bool:
        return key.kind in self._world.host and self._world.host_object(key) is not None

    def _is_orphan(self, key: Key) -> bool:
        if not self._on_host(key):
            return False
        host_obj = self._world.host_object(key)
        return host_obj is not None and self._world.original(key.kind, host_obj) is None

    async def reconcile(self, _key: Key) -> None:
        """Bring what the anchor says in line with what is held."""
        async with self._saving:
            ident, brake = self._world.ident, self._world.brake
            anchor = await self._host.get(CONFIGMAPS, ident.host_namespace, ident.anchor)
            wanted = deletion_brake.encode(brake.held) if len(brake) else None
            if (anchor.get("binaryData") or {}).get(deletion_brake.HELD) != wanted:
                change: Obj = {"binaryData": {deletion_brake.HELD: wanted}}
                await self._host.patch(CONFIGMAPS, anchor, change)
