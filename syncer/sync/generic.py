"""Carries out what the plan says for one key, for all kinds that follow the common rules."""

from __future__ import annotations

from collections.abc import Iterator

import structlog

from syncer.errors import AlreadyExists, NotFound, Refused
from syncer.kube.client import Client
from syncer.kube.objects import Key, Obj, is_deleting, merge_patch, uid_of
from syncer.kube.resources import Resource
from syncer.state.cluster import World
from syncer.sync import common_watches
from syncer.sync.kinds import Kind
from syncer.sync.plan import Create, Delete, Nothing, Patch, Taken, plan
from syncer.sync.remark import Remark
from syncer.sync.watches import Reconciler, Watch

log = structlog.get_logger()


class Mirror(Reconciler):
    """Reconciles one kind. Errors of the API pass through: the worker loop knows what they mean."""

    def __init__(self, row: Kind, world: World, virt: Client, host: Client) -> None:
        self.row = row
        self.kind = row.name
        self.world = world
        self.virt = virt
        self.host = host

    def watches(self) -> Iterator[Watch]:
        """Yield both sides' objects of the kind, and what they name."""
        if self.row.names is not None:
            yield from common_watches.named(self.world, self.kind, self.row.names)
        yield from common_watches.both_sides(self.world, self.kind)

    async def reconcile(self, key: Key) -> Remark | None:
        """Bring the host twin in line with the virtual object, and its status back."""
        virt_obj, host_obj = self.world.virt_object(key), self.world.host_object(key)
        if virt_obj is not None and self.row.final and host_obj is None and was_bound(virt_obj):
            await self._lost(key, virt_obj)
            return None
        desired = None
        if virt_obj is not None and self.row.wanted(key, virt_obj, self.world):
            try:
                desired = self.row.to_host(virt_obj, self.world)
            except Refused:
                if self.row.strict and host_obj is not None and self.world.ident.is_ours(host_obj):
                    await self.delete(key, host_obj)
                raise
        match plan(uid_of(virt_obj) if virt_obj else None, host_obj, desired):
            case Create(obj):
                if virt_obj is not None and not is_deleting(virt_obj):
                    host_obj = await self.create(key, obj)
            case Patch(patch) if host_obj is not None:
                host_obj = await self.update(host_obj, patch)
                self.world.host[key.kind].put_written(host_obj)
                log.info("updated", kind=key.kind, virt_namespace=key.namespace, virt_name=key.name)
            case Delete() if host_obj is not None:
                await self.delete(key, host_obj)
                return None
            case Taken() if host_obj is not None:
                raise name_taken(self.row.resource, key)
            case Nothing():
                pass
        if desired is not None and virt_obj is not None and host_obj is not None:
            await self.status_up(key, virt_obj, host_obj)
        if desired is None or virt_obj is None or self.row.remark is None:
            return None
        return self.row.remark(virt_obj, self.world)

    async def create(self, key: Key, obj: Obj) -> Obj:
        """Create the twin."""
        return await create_twin(self.world, self.host, self.row.resource, key, obj)

    async def update(self, host_obj: Obj, patch: Obj) -> Obj:
        """Change the twin; return it as it then is."""
        return await self.host.patch(self.row.resource, host_obj, patch)

    async def delete(self, key: Key, host_obj: Obj) -> None:
        """Delete the twin. Raises DeletionHeld."""
        try:
            await self.host.delete(self.row.resource, host_obj)
        except NotFound:
            return
        log.info("deleted", kind=key.kind, virt_namespace=key.namespace, virt_name=key.name)

    async def status_up(self, key: Key, virt_obj: Obj, host_obj: Obj) -> None:
        """Write the host's status to the virtual object when it says something else."""
        wanted = self.wanted_status(virt_obj, host_obj)
        have = {field: (virt_obj.get("status") or {}).get(field) for field in wanted}
        patch = merge_patch({k: v for k, v in have.items() if v is not None}, wanted)
        if not any(patch.values()):
            return
        answer = await self.virt.patch(
            self.row.resource, virt_obj, {"status": patch}, subresource="status"
        )
        self.world.virt[key.kind].put_written(answer)

    def wanted_status(self, _virt_obj: Obj, host_obj: Obj) -> Obj:
        """Return the status that the virtual object is to have."""
        return self.row.status(host_obj) if self.row.status is not None else {}

    async def _lost(self, key: Key, virt_obj: Obj) -> None:
        """Say that a claim's volume is gone; an empty one in its place would hide the loss."""
        if virt_obj["status"].get("phase") == "Lost" or is_deleting(virt_obj):
            return
        answer = await self.virt.patch(
            self.row.resource, virt_obj, {"status": {"phase": "Lost"}}, subresource="status"
        )
        self.world.virt[key.kind].put_written(answer)
        raise Refused(
            "ClaimLost",
            "the claim's twin on the host was deleted, and its volume with it: delete this claim"
            " and make a new one",
        )


async def create_twin(world: World, host: Client, resource: Resource, key: Key, obj: Obj) -> Obj:
    """Create a host object and return it; one of that name that is not ours is never touched.

    Raises Refused for a name that is taken, or when there are as many as may be; AlreadyExists when
    it is our own, which the watch has not shown yet: the store then has it, and the key is queued
    again.
    """
    namespace, name = world.ident.host_namespace, obj["metadata"]["name"]
    store = world.host[key.kind]
    with world.room.place(key) as granted:
        if not granted:
            raise Refused(
                "LimitReached",
                f"the host takes at most {world.scope.max_objects} {resource.kind} objects of this"
                " virtual cluster: delete some, or ask the host's operator for more",
            )
        try:
            created = await host.create(resource, namespace, obj)
        except AlreadyExists:
            existing = await host.get(resource, namespace, name)
            if not world.ident.is_ours(existing):
                raise name_taken(resource, key) from None
            store.put_written(existing)
            raise
        store.put_written(created)
    log.info("created", kind=key.kind, virt_namespace=key.namespace, virt_name=key.name)
    return created


def name_taken(resource: Resource, key: Key) -> Refused:
    """Return the refusal of a key whose host name belongs to somebody else."""
    return Refused(
        "NameTaken",
        f"the host namespace has a {resource.kind} of the name that {key.name!r} would get, and it"
        " is not of this virtual cluster: it is left alone; choose another name",
    )


def was_bound(virt_obj: Obj) -> bool:
    """Tell whether a claim had a volume, with data in it."""
    return (virt_obj.get("status") or {}).get("phase") in ("Bound", "Lost")
