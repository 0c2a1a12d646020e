"""Finds the host pod behind a virtual one, for the kubelet endpoint."""

from __future__ import annotations

from syncer import identity
from syncer.kube.auth import HostAccess
from syncer.kube.objects import Key, annotation, containers_of, uid_of
from syncer.kubelet import HostPod
from syncer.state.cluster import World


class PodLookup:
    """Finds marked host pods of exactly the virtual pod that exists now."""

    def __init__(self, world: World) -> None:
        self._world = world

    def find(self, virt_namespace: str, virt_name: str) -> HostPod | None:
        """Return the host pod, or None when there is none or it belongs to an earlier pod."""
        key = Key("pods", virt_namespace, virt_name)
        virt_pod, host_pod = self._world.virt_object(key), self._world.host_object(key)
        if virt_pod is None or host_pod is None or not self._world.ident.is_ours(host_pod):
            return None
        if annotation(host_pod, identity.UID) != uid_of(virt_pod):
            return None
        names = frozenset(each["name"] for each in containers_of(virt_pod["spec"]))
        meta = host_pod["metadata"]
        return HostPod(meta["namespace"], meta["name"], meta["uid"], uid_of(virt_pod), names)


class HostForStreams:
    """The host's API as the kubelet endpoint's streams reach it."""

    def __init__(self, access: HostAccess) -> None:
        self._access = access
        self.host = access.host
        self.port = access.port
        self.tls = access.tls

    async def bearer(self) -> str:
        """Return a token that is valid now."""
        return self._access.token()
