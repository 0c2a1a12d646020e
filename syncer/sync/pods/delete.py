"""How pods end, on either side: deleted, lost with their host pod, refused by their node."""

from __future__ import annotations

import structlog

from syncer.errors import NotFound
from syncer.kube.client import Client
from syncer.kube.objects import Key, Obj, controller_of, is_deleting
from syncer.kube.resources import PODS
from syncer.state.cluster import World
from syncer.sync.pods.tokens import Tokens
from syncer.translate import pods as translate
from syncer.translate import status
from syncer.translate.messages import replacements, reworded

log = structlog.get_logger()


class PodEnds:
    """Ends pods; reconciler.py says when."""

    def __init__(self, world: World, virt: Client, host: Client, tokens: Tokens) -> None:
        self.world = world
        self.virt = virt
        self.host = host
        self.tokens = tokens

    def not_admitted(self, virt_pod: Obj, host_pod: Obj) -> bool:
        """Tell whether the host has no room for a pod that named its node itself.

        A kubelet refuses such a pod for good. One whose node our scheduler chose waits instead, and
        so does, there as here, one whose volume may just not be bound yet.
        """
        volumes = host_pod["spec"].get("volumes") or ()
        return (
            self.world.scope.virtual_scheduler
            and not is_deleting(virt_pod)
            and not is_deleting(host_pod)
            and not host_pod["spec"].get("nodeName")
            and status.condition(virt_pod, "PodScheduled") is None
            and status.condition(host_pod, "PodScheduled") == "False"
            and not any("persistentVolumeClaim" in each for each in volumes)
        )

    async def reject(self, key: Key, virt_pod: Obj, host_pod: Obj) -> None:
        """Let a pod fail as a kubelet does that cannot admit it."""
        conditions = (host_pod.get("status") or {}).get("conditions") or ()
        said = next(each for each in conditions if each["type"] == "PodScheduled")
        change: Obj = {
            "phase": "Failed",
            "reason": "NotAdmitted",
            "message": f"Pod was rejected: {said.get('message', 'its node has no room for it')}",
        }
        words = replacements(host_pod, virt_pod, self.world.ident)
        change = reworded(change, words)
        # Only as long as it waits: one that found room in this moment runs.
        await self.host.delete(PODS, host_pod, grace=0, unchanged=True)
        answer = await self.virt.patch(PODS, virt_pod, {"status": change}, subresource="status")
        self.world.virt["pods"].put_written(answer)
        log.info("rejected", kind="pods", virt_namespace=key.namespace, virt_name=key.name)

    async def ended(self, key: Key, virt_pod: Obj) -> None:
        """End a virtual pod whose host pod is gone; its controller, if any, makes a new one."""
        await self.tokens.forget(key)
        if controller_of(virt_pod) is not None:
            await self.delete_virtual(virt_pod, 0)
            return
        change = {
            "phase": "Failed",
            "reason": "HostPodGone",
            "message": "The pod was deleted on the host cluster.",
        }
        answer = await self.virt.patch(PODS, virt_pod, {"status": change}, subresource="status")
        self.world.virt["pods"].put_written(answer)
        log.info("ended", kind="pods", virt_namespace=key.namespace, virt_name=key.name)

    async def delete_host(self, key: Key, host_pod: Obj, grace: int | None) -> None:
        """Delete a host pod, unless it goes already. Raises DeletionHeld."""
        if is_deleting(host_pod) and (grace is None or grace_of(host_pod) <= grace):
            return  # it is on its way, and nobody is in more of a hurry
        try:
            await self.host.delete(PODS, host_pod, grace=grace)
        except NotFound:
            return
        log.info("deleted", kind="pods", virt_namespace=key.namespace, virt_name=key.name)

    async def delete_virtual(self, virt_pod: Obj, grace: int | None) -> None:
        """Delete a virtual pod as anybody would: it stays until its host pod is gone."""
        try:
            await self.virt.delete(PODS, virt_pod, grace=grace)
        except NotFound:
            return

    async def remove_virtual(self, virt_pod: Obj) -> None:
        """Remove a virtual pod for good; finalizers of the tenant's may still hold it."""
        if virt_pod["metadata"].get("deletionGracePeriodSeconds") == 0:
            return  # done before; only finalizers are left
        await self.delete_virtual(virt_pod, 0)


def grace_of(pod: Obj) -> int:
    """Return the seconds that a deleted pod has, bounded as in its spec (threats J2)."""
    asked = int(pod["metadata"].get("deletionGracePeriodSeconds", 30))
    return min(asked, translate.LONGEST_GRACE)
