"""`default/kubernetes` of the virtual cluster leads to our own Service, and to our pods.

Its default ClusterIP is the *host's* API address: pods must never be sent there. k3s is told to
leave the endpoints alone (`endpoint-reconciler-type=none`), so they are written here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import structlog

from syncer.errors import AlreadyExists
from syncer.kube.client import Client
from syncer.kube.objects import Key, Obj, annotation, covers, ref_of
from syncer.kube.resources import ENDPOINTS
from syncer.kube.store import Change, Store
from syncer.state.cluster import World
from syncer.sync.cluster_ip import RESTORE, finish_move, move
from syncer.sync.watches import Reconciler, Request, Watch

log = structlog.get_logger()
KEY = Key("apiservice", "default", "kubernetes")


class ApiService(Reconciler):
    """Reconciles the one key of this module.

    `replicas` holds the host's Endpoints of our Service, where there are several pods behind it.
    """

    kind = KEY.kind

    def __init__(
        self, world: World, virt: Client, pod_ip: str, port: int, replicas: Store | None = None
    ) -> None:
        self.world = world
        self.virt = virt
        self.endpoints = Store()
        self.replicas = replicas
        self._pod_ip = pod_ip
        self._port = port

    def watches(self) -> Iterator[Watch]:
        """Yield the Service, its Endpoints, and the host's Endpoints of our own Service."""
        yield Watch(self.world.virt["services"], self._service_changed, "the Service changed")
        yield Watch(self.endpoints, lambda _: [Request(KEY)], "its Endpoints changed")
        if self.replicas is not None:
            yield Watch(self.replicas, lambda _: [Request(KEY)], "our pods' addresses changed")

    def _service_changed(self, change: Change) -> Iterator[Request]:
        if ref_of(change.obj) == KEY[1:]:
            yield Request(KEY)

    async def begin(self) -> Iterable[Key]:
        """Return the one key: its Service has a wrong address until it is written here."""
        return (KEY,)

    async def reconcile(self, key: Key) -> None:
        """Give the Service our address and its endpoints our pods'."""
        service = self.world.virt["services"].get(key.namespace, key.name)
        if service is not None:
            if annotation(service, RESTORE):
                service = await finish_move(self.virt, service)
                self.world.virt["services"].put_written(service)
            if service["spec"].get("clusterIP") != self.world.scope.api_ip:
                service = await move(self.virt, service, self.world.scope.api_ip)
                self.world.virt["services"].put_written(service)
                log.info("moved", kind="services", virt_namespace=key.namespace, virt_name=key.name)
        await self._endpoints(key)

    def _addresses(self) -> list[str]:
        """Return the addresses of the pods that are ready; while none is, our own."""
        ident = self.world.ident
        host = self.replicas and self.replicas.get(ident.host_namespace, ident.release)
        subsets = (host or {}).get("subsets") or ()
        found = {each["ip"] for subset in subsets for each in subset.get("addresses") or ()}
        return sorted(found) or [self._pod_ip]

    async def _endpoints(self, key: Key) -> None:
        subsets = [
            {
                "addresses": [{"ip": each} for each in self._addresses()],
                "ports": [{"name": "https", "port": self._port, "protocol": "TCP"}],
            }
        ]
        wanted: Obj = {
            "apiVersion": "v1",
            "kind": "Endpoints",
            "metadata": {"name": key.name, "namespace": key.namespace},
            "subsets": subsets,
        }
        have = self.endpoints.get(key.namespace, key.name)
        if have is None:
            try:
                have = await self.virt.create(ENDPOINTS, key.namespace, wanted)
            except AlreadyExists:
                have = await self.virt.get(ENDPOINTS, key.namespace, key.name)
        if not covers(have.get("subsets"), subsets):
            have = await self.virt.patch(ENDPOINTS, have, {"subsets": subsets})
        self.endpoints.put_written(have)
