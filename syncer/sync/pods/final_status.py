"""How a pod ended, told for those that still wait to know when its host pod is gone.

A kubelet lets go of a pod only after it has said how it ended. Here the last status and the removal
of a host pod may come as one change, or while the syncer was away. That matters where a finalizer
holds the virtual pod: the Job controller counts a pod, and lets it go, only once its phase is final
(KEP-3329, KEP-3939), so that it would stay, and its Job run, for ever.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from syncer.identity import virtual_key
from syncer.kube.client import Client
from syncer.kube.objects import Key, Obj
from syncer.kube.resources import PODS
from syncer.kube.store import Change
from syncer.state.cluster import World
from syncer.state.pod_index import TERMINAL, phase_of


class LastWords:
    """Remembers how host pods were when they went, as long as their virtual pods are there."""

    def __init__(
        self, world: World, virt: Client, tell: Callable[[Obj, Obj], Awaitable[None]]
    ) -> None:
        self._world = world
        self._virt = virt
        self._tell = tell
        """Writes a host pod's status to its virtual pod."""
        self._gone: dict[Key, Obj] = {}

    async def tell(self, key: Key, virt_pod: Obj) -> None:
        """Give a deleted pod that finalizers hold the end that its host pod had.

        One of which nothing is known has failed, as a kubelet says of a pod that it lost.
        """
        if not virt_pod["metadata"].get("finalizers") or phase_of(virt_pod) in TERMINAL:
            return
        host_pod = self._gone.get(key)
        if host_pod is not None and self._world.original("pods", host_pod) is not None:
            await self._tell(virt_pod, host_pod)
            if phase_of(self._world.virt_object(key)) in TERMINAL:
                return
        answer = await self._virt.patch(
            PODS, virt_pod, {"status": {"phase": "Failed"}}, subresource="status"
        )
        self._world.virt["pods"].put_written(answer)

    def forget(self, key: Key) -> None:
        """Forget a pod that is gone on both sides."""
        self._gone.pop(key, None)

    def note(self, change: Change) -> None:
        """Take note of a change of a host pod: of its end."""
        old = change.old
        if old is None or change.new is not None:
            return
        key = virtual_key(old)
        if key is not None and self._world.original("pods", old) is not None:
            self._gone[key] = old
