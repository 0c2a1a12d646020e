"""PersistentVolumeClaims: a bound one names its class and its volume, as kubectl and others expect.

What the host decides about a claim comes back once, into fields that the API lets be filled in when
they are empty; persistentvolumes.py shows the volume itself.
"""

from __future__ import annotations

from syncer.errors import BadRequest, Refused
from syncer.identity import PASSED
from syncer.kube.client import Client
from syncer.kube.objects import Key, Obj, annotation, is_deleting
from syncer.kube.resources import CLAIMS
from syncer.state.cluster import World
from syncer.sync.generic import Mirror, was_bound
from syncer.sync.kinds import Kind
from syncer.sync.remark import Remark
from syncer.translate import status
from syncer.translate.persistentvolumeclaims import SELECTED_NODE

BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
OLD_CLASS = "volume.beta.kubernetes.io/storage-class"  # stands for the field on old clusters


class ClaimMirror(Mirror):
    """Reconciles claims by the common rules, and brings back what the host decided about them."""

    def __init__(self, row: Kind, world: World, virt: Client, host: Client) -> None:
        super().__init__(row, world, virt, host)
        self._class_is_fixed = False
        """API servers before 1.25 let no claim name its class later."""

    async def reconcile(self, key: Key) -> Remark | None:
        """Refuse a claim that picks its volume (threats F2), then follow the common rules."""
        virt_obj, host_obj = self.world.virt_object(key), self.world.host_object(key)
        is_new = virt_obj is not None and host_obj is None and not was_bound(virt_obj)
        if is_new and virt_obj is not None and not is_deleting(virt_obj):
            _check(virt_obj, self.world.scope.claim_classes)
        if virt_obj is not None and host_obj is not None and _sent_back(virt_obj, host_obj):
            await self._choose_again(virt_obj, host_obj)
            return None
        return await super().reconcile(key)

    async def _choose_again(self, virt_obj: Obj, host_obj: Obj) -> None:
        """Let the virtual scheduler choose another node, the way that a provisioner tells it to."""
        sent: Obj = {"metadata": {"annotations": {PASSED: None}}}
        # First here: with the virtual claim changed, we could not tell any more that it was sent.
        answer = await self.host.patch(CLAIMS, host_obj, sent)
        self.world.host[self.kind].put_written(answer)
        chosen: Obj = {"metadata": {"annotations": {SELECTED_NODE: None}}}
        self.world.virt[self.kind].put_written(await self.virt.patch(CLAIMS, virt_obj, chosen))

    async def status_up(self, key: Key, virt_obj: Obj, host_obj: Obj) -> None:
        """Bring back the class and the volume's name, each once; then the status."""
        if not is_deleting(virt_obj) and (change := self._decided(virt_obj, host_obj)):
            try:
                virt_obj = await self.virt.patch(CLAIMS, virt_obj, change)
            except BadRequest:
                if "storageClassName" not in change["spec"]:
                    raise
                self._class_is_fixed = True
                if rest := self._decided(virt_obj, host_obj):
                    virt_obj = await self.virt.patch(CLAIMS, virt_obj, rest)
            self.world.virt[key.kind].put_written(virt_obj)
        await super().status_up(key, virt_obj, host_obj)

    def wanted_status(self, virt_obj: Obj, host_obj: Obj) -> Obj:
        """Return the status with those conditions that are the tenant's own."""
        return status.claim(host_obj, virt_obj)

    def _decided(self, virt_obj: Obj, host_obj: Obj) -> Obj:
        """Return the patch with what the host has decided and the virtual claim does not say."""
        virt_spec, host_spec = virt_obj["spec"], host_obj["spec"]
        spec: Obj = {}
        unnamed = virt_spec.get("storageClassName") is None and not annotation(virt_obj, OLD_CLASS)
        if unnamed and host_spec.get("storageClassName") and not self._class_is_fixed:
            spec["storageClassName"] = host_spec["storageClassName"]
        volume = host_spec.get("volumeName")
        if volume and not virt_spec.get("volumeName"):
            spec["volumeName"] = volume
        change: Obj = {"spec": spec} if spec else {}
        if volume and annotation(virt_obj, BIND_COMPLETED) != "yes":
            # The virtual scheduler and tools take a claim without it for one that is not bound.
            marks = {BIND_COMPLETED: "yes", BOUND_BY_CONTROLLER: "yes"}
            change["metadata"] = {"annotations": marks}
        return change


def _sent_back(virt_obj: Obj, host_obj: Obj) -> bool:
    """Tell whether a provisioner took back the node that we sent: it has no room there, say."""
    return (
        annotation(host_obj, PASSED) == SELECTED_NODE
        and not annotation(host_obj, SELECTED_NODE)
        and not host_obj["spec"].get("volumeName")
        and bool(annotation(virt_obj, SELECTED_NODE))
    )


def _check(virt_obj: Obj, offered: tuple[str, ...]) -> None:
    """Raise Refused for a new claim that picks its volume or a class that is not offered."""
    spec = virt_obj["spec"]
    if spec.get("volumeName"):
        raise Refused(
            "FieldRefused",
            "spec.volumeName is not offered in a virtual cluster, since its own volumes never"
            " reach the host: leave it out, and the host's storage class makes a volume",
        )
    if not offered:
        return
    named = {spec.get("storageClassName") or "", annotation(virt_obj, OLD_CLASS)} - {""}
    allowed = f"allowed are: {', '.join(offered)}"
    if not named:
        raise Refused("StorageClassRefused", f"spec.storageClassName must be set; {allowed}")
    for name in sorted(named - set(offered)):
        raise Refused(
            "StorageClassRefused", f"storage class {name!r} is not offered here; {allowed}"
        )
