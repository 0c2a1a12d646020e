"""PersistentVolumes in the virtual cluster: one for each claim that is bound on the host.

    claim's twin is bound    virtual volume        what happens
    yes                      absent                created, then its phase is set to Bound
    yes                      ours                  brought in line
    yes                      ours, being deleted   nothing: it goes when its claim does, as anywhere
    yes                      the tenant's          refused, with an event on the claim
    no                       ours                  phase Released, which lets the virtual cluster's
                                                   own protection go, and deleted
    no                       the tenant's          nothing

All of it follows from the host's claims, which a namespace's rights let us read.
"""

from __future__ import annotations

from collections.abc import Iterator

import structlog

from syncer.errors import AlreadyExists, NotFound
from syncer.identity import virtual_key
from syncer.kube.client import Client
from syncer.kube.objects import Key, Obj, covers, is_deleting, ref_of
from syncer.kube.resources import VOLUMES
from syncer.kube.store import Change
from syncer.state.cluster import World
from syncer.sync.remark import Remark
from syncer.sync.watches import Reconciler, Request, Watch
from syncer.translate import persistentvolumes as translate

log = structlog.get_logger()
KIND = "persistentvolumes"
CLAIMS = "persistentvolumeclaims"


class VolumeMirror(Reconciler):
    """Reconciles the volumes; keys bear the name that a volume has on both sides."""

    kind = KIND

    def __init__(self, world: World, virt: Client) -> None:
        self.world = world
        self.volumes = world.shown[KIND]
        self.virt = virt
        self._claims: dict[str, Key] = {}
        """The virtual claim by the volume that its twin is bound to."""

    def watches(self) -> Iterator[Watch]:
        """Yield both sides' claims and volumes."""
        world = self.world
        yield Watch(world.host[CLAIMS], self._host_claim_changed, "its claim's twin changed")
        yield Watch(world.virt[CLAIMS], self._virt_claim_changed, "its claim changed")
        yield Watch(self.volumes.virt, self._virt_volume_changed, "the virtual volume changed")
        yield Watch(self.volumes.host, self._host_volume_changed, "the host's volume changed")

    async def reconcile(self, key: Key) -> Remark | None:
        """Show the volume that a claim is bound to, or take it away."""
        virt_volume = self.volumes.virt.get("", key.name)
        ours = virt_volume is not None and self.world.ident.shows(virt_volume)
        claim = self._claims.get(key.name)
        virt_claim = self.world.virt_object(claim) if claim else None
        host_claim = self.world.host_object(claim) if claim else None
        if (
            virt_claim is None
            or host_claim is None
            or not translate.bound(virt_claim, host_claim, key.name)
        ):
            if ours and virt_volume is not None:
                await self._release(virt_volume)
            return None
        if virt_volume is not None and not ours:
            return Remark(
                virt_claim,
                "VolumeNameTaken",
                f"the claim is bound; its volume is not shown, since a PersistentVolume {key.name}"
                " of your own exists: it is left alone",
            )
        host_volume = self.volumes.host.get("", key.name)
        desired = translate.to_virt(key.name, virt_claim, host_claim, host_volume, self.world.ident)
        await self._show(key, virt_volume, desired)
        return None

    async def _show(self, key: Key, virt_volume: Obj | None, desired: Obj) -> None:
        if virt_volume is None:
            try:
                virt_volume = await self.virt.create(VOLUMES, "", desired)
            except AlreadyExists:
                self.volumes.virt.put_written(await self.virt.get(VOLUMES, "", key.name))
                raise
            log.info("created", kind=KIND, virt_name=key.name)
        elif is_deleting(virt_volume):
            return
        elif not covers(virt_volume, desired):
            change = {field: desired[field] for field in ("metadata", "spec")}
            virt_volume = await self.virt.patch(VOLUMES, virt_volume, change)
            log.info("updated", kind=KIND, virt_name=key.name)
        self.volumes.virt.put_written(await self._phase(virt_volume, "Bound"))

    async def _release(self, virt_volume: Obj) -> None:
        name = virt_volume["metadata"]["name"]
        try:
            virt_volume = await self._phase(virt_volume, "Released")
            if not is_deleting(virt_volume):
                await self.virt.delete(VOLUMES, virt_volume)
                log.info("deleted", kind=KIND, virt_name=name)
        except NotFound:
            return

    async def _phase(self, virt_volume: Obj, phase: str) -> Obj:
        if (virt_volume.get("status") or {}).get("phase") == phase:
            return virt_volume
        change = {"status": {"phase": phase}}
        return await self.virt.patch(VOLUMES, virt_volume, change, subresource="status")

    # --- from claims to volumes

    def _host_claim_changed(self, change: Change) -> Iterator[Request]:
        before, now = _volume(change.old), _volume(change.new)
        claim = virtual_key(change.new) if change.new is not None else None
        if before and before != now:
            self._claims.pop(before, None)
            yield Request(Key(KIND, "", before))
        if now and claim is not None and claim.kind == CLAIMS:
            self._claims[now] = claim
            yield Request(Key(KIND, "", now))

    def _virt_claim_changed(self, change: Change) -> Iterator[Request]:
        for name in {_volume(change.old), _volume(change.new)} - {""}:
            yield Request(Key(KIND, "", name))

    def _virt_volume_changed(self, change: Change) -> Iterator[Request]:
        yield Request(Key(KIND, *ref_of(change.obj)))

    def _host_volume_changed(self, change: Change) -> Iterator[Request]:
        if change.new is not None and change.new["metadata"]["name"] in self._claims:
            yield Request(Key(KIND, *ref_of(change.new)))


def _volume(claim: Obj | None) -> str:
    return (claim or {"spec": {}})["spec"].get("volumeName") or ""
