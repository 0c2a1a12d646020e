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
from collections.abc import Callable, Iterable

import structlog

from syncer.kube.client import Client
from syncer.kube.objects import Key, Obj
from syncer.kube.resources import CONFIGMAPS
from syncer.state import deletion_brake
from syncer.state.cluster import World
from syncer.sync.datastore_identity import DatastoreIdentity

log = structlog.get_logger()
KEY = Key("holds", "", "")
SHOWN = 20  # held objects that the log names


class Holds:
    """What the controller does about the brake; `add` queues a key."""

    def __init__(
        self, world: World, host: Client, datastore: DatastoreIdentity, add: Callable[[Key], None]
    ) -> None:
        self._world = world
        self._host = host
        self._datastore = datastore
        self._add = add
        self._saving = asyncio.Lock()

    def at_start(self) -> None:
        """Hold what was held before, and what nothing inside explains; both sides are known."""
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
        keys = self._world.brake.release_all()
        for key in keys:
            self._add(key)
        log.info("held deletions confirmed", count=len(keys))

    def looked_at(self, key: Key) -> bool:
        """Let go of a key that is settled: gone on the host, or there again inside.

        Tell whether that was the last one, so that what only followed it is to be confirmed.
        """
        brake = self._world.brake
        if key not in brake or self._is_orphan(key):
            return False
        brake.release(key)
        self._add(KEY)
        return brake.only_followers()

    def _on_host(self, key: Key) -> bool:
        return key.kind in self._world.host and self._world.host_object(key) is not None

    def _is_orphan(self, key: Key) -> bool:
        if not self._on_host(key):
            return False
        host_obj = self._world.host_object(key)
        return host_obj is not None and self._world.original(key.kind, host_obj) is None

    async def save(self, _key: Key) -> None:
        """Bring what the anchor says in line with what is held."""
        async with self._saving:
            ident, brake = self._world.ident, self._world.brake
            anchor = await self._host.get(CONFIGMAPS, ident.host_namespace, ident.anchor)
            wanted = deletion_brake.encode(brake.held) if len(brake) else None
            if (anchor.get("binaryData") or {}).get(deletion_brake.HELD) != wanted:
                change: Obj = {"binaryData": {deletion_brake.HELD: wanted}}
                await self._host.patch(CONFIGMAPS, anchor, change)
