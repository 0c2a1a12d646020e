"""The changes that a running pod can take, on their way down: labels, images, sizes, debuggers."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from syncer.errors import Refused
from syncer.kube.client import STRATEGIC, Client
from syncer.kube.objects import Key, Obj, annotation
from syncer.kube.resources import PODS
from syncer.state.cluster import World
from syncer.sync import plan
from syncer.translate import pods as translate
from syncer.translate import resize
from syncer.translate.images import on_host

log = structlog.get_logger()


class PodChanges:
    """Sends them; only fields that the API lets change, each judged again (threats A7)."""

    def __init__(self, world: World, host: Client, synced: Callable[[str], bool]) -> None:
        self.world = world
        self.host = host
        self.synced = synced

    async def down(self, key: Key, virt_pod: Obj, host_pod: Obj) -> None:
        """Bring a host pod in line with its virtual pod."""
        await self._plain(key, virt_pod, host_pod)
        await self._ephemeral(key, virt_pod, host_pod)
        await self._resize(key, virt_pod, host_pod)

    async def _plain(self, key: Key, virt_pod: Obj, host_pod: Obj) -> None:
        """Send what needs no right of its own: labels, images, deadline."""
        wanted = translate.metadata(virt_pod, self.world.scope)
        if asked := annotation(host_pod, resize.SIZES):
            wanted["annotations"][resize.SIZES] = asked  # changes with the sizes themselves
        patch = plan.metadata_difference(host_pod["metadata"], wanted)
        spec: Obj = {}
        deadline = virt_pod["spec"].get("activeDeadlineSeconds")
        if deadline and deadline != host_pod["spec"].get("activeDeadlineSeconds"):
            spec["activeDeadlineSeconds"] = deadline
        for field in ("containers", "initContainers"):
            images = {c["name"]: c.get("image") for c in host_pod["spec"].get(field) or ()}
            wanted_images = {
                c["name"]: on_host(virt_pod, c["image"], self.world.scope.image_registry)
                for c in virt_pod["spec"].get(field) or ()
                if c.get("image")
            }
            changed = [
                {"name": name, "image": image}
                for name, image in wanted_images.items()
                if images.get(name, image) != image
            ]
            if changed:
                spec[field] = changed
        if spec:
            patch["spec"] = spec
        if patch:
            answer = await self.host.patch(PODS, host_pod, patch, content_type=STRATEGIC)
            self.world.host["pods"].put_written(answer)
            log.info("updated", kind="pods", virt_namespace=key.namespace, virt_name=key.name)

    async def _ephemeral(self, key: Key, virt_pod: Obj, host_pod: Obj) -> None:
        """Pass on the containers of `kubectl debug`, where the host grants the right to."""
        if not self.synced("ephemeralcontainers"):
            return
        have = {each["name"] for each in host_pod["spec"].get("ephemeralContainers") or ()}
        if all(each["name"] in have for each in virt_pod["spec"].get("ephemeralContainers") or ()):
            return
        added = translate.ephemeral_containers(virt_pod, host_pod, self.world.scope)
        answer = await self.host.patch(
            PODS,
            host_pod,
            {"spec": {"ephemeralContainers": added}},
            subresource="ephemeralcontainers",
            content_type=STRATEGIC,
        )
        self.world.host["pods"].put_written(answer)
        log.info("debugged", kind="pods", virt_namespace=key.namespace, virt_name=key.name)

    async def _resize(self, key: Key, virt_pod: Obj, host_pod: Obj) -> None:
        """Pass on an in-place resize (KEP-1287), where the host grants the right to.

        Seen by the digest of the sizes that were last asked for: what the host pod says may differ
        for good, by a LimitRange or an autoscaler of the host's people.
        """
        asked, wanted = annotation(host_pod, resize.SIZES), resize.digest(virt_pod)
        if not asked or asked == wanted:
            return
        if not self.synced("resize"):
            raise Refused(
                "ResizeRefused",
                "resizing a pod in place is not switched on for this virtual cluster"
                " (sync.pods.resize): the pod keeps its size",
            )
        change: Obj = {"spec": resize.of_containers(virt_pod)}
        await self.host.patch(PODS, host_pod, change, subresource="resize", content_type=STRATEGIC)
        note: Obj = {"metadata": {"annotations": {resize.SIZES: wanted}}}
        answer = await self.host.patch(PODS, host_pod, note, content_type=STRATEGIC)
        self.world.host["pods"].put_written(answer)
        log.info("resized", kind="pods", virt_namespace=key.namespace, virt_name=key.name)
