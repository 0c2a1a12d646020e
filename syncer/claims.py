"""PersistentVolumeClaims: a bound one names its volume, as kubectl and others expect."""

from __future__ import annotations

from syncer.mirror import Mirror
from syncer.objects import Key, Obj, is_deleting
from syncer.resources import CLAIMS


class ClaimMirror(Mirror):
    """Reconciles claims by the common rules, and brings the volume's name back once."""

    async def status_up(self, key: Key, virt_obj: Obj, host_obj: Obj) -> None:
        """Bring back the status and, the one time that the API allows it, the volume's name."""
        volume = host_obj["spec"].get("volumeName")
        if volume and not virt_obj["spec"].get("volumeName") and not is_deleting(virt_obj):
            change = {"spec": {"volumeName": volume}}
            virt_obj = await self.virt.patch(CLAIMS, virt_obj, change)
            self.world.virt[key.kind].put_written(virt_obj)
        await super().status_up(key, virt_obj, host_obj)
