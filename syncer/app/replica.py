"""One replica of the syncer: what is wired together, and when it may begin to write.

Alone, it writes as soon as both sides are known. With others it does so once it leads, for one
term: until the process ends. Until then it knows all that the leader knows, serves its own API
server's kubelet ports and figures, and is ready: another API server to go to.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import structlog

from syncer.kube.api_probe import Pulse
from syncer.kube.client import Client
from syncer.kube.store import Store
from syncer.kube.transient import until_answered
from syncer.kubelet import Endpoint
from syncer.leader.election import Leader
from syncer.settings import Settings
from syncer.startup import k3s_upgrade
from syncer.state.cluster import World
from syncer.sync.controller import Controller
from syncer.sync.informers import Sources
from syncer.sync.kubernetes_service import ApiService
from syncer.sync.nodes import Nodes
from syncer.sync.standby_nodes import Follower
from syncer.telemetry.readiness import Progress

log = structlog.get_logger()
UNFIT = 15.0  # seconds without its API server: k3s is back within 5 to 9 when it is started again


class Parts(NamedTuple):
    """What a replica is made of."""

    settings: Settings
    progress: Progress
    world: World
    virt: Client
    host: Client
    publish: Callable[[], Awaitable[None]]
    """Gives users what opens the virtual API: the leader's."""
    kubelet: Endpoint


class Replica:
    """Syncs; `kinds` are those that both sides know, the versions are what the servers say."""

    def __init__(
        self,
        parts: Parts,
        kinds: frozenset[str],
        host_version: str,
        virt_version: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._parts = parts
        self._kinds = kinds
        self._host_version = host_version
        self._virt_version = virt_version
        settings, world, virt = parts.settings, parts.world, parts.virt
        pods = Store() if settings.leader_elect else None
        self._api_service = ApiService(world, virt, settings.pod_ip, settings.api_port, pods)
        endpoints, selector = self._api_service.endpoints, settings.node_selector
        self.sources = Sources(world, virt, parts.host, kinds, endpoints, selector, pods)
        self.pulse = Pulse(self.sources.datastore.check_cluster, clock)
        parts.progress.sources, parts.progress.pulse = self.sources, self.pulse

    async def alone(self) -> None:
        """Sync until cancelled: there is no other."""
        controller = self._controller({})
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._record())
            await self.sources.synced()
            await self._sync(controller)

    async def elected(self, leader: Leader) -> None:
        """Stand by until we lead, then sync; raises LostLease when we lead no longer."""
        parts = self._parts
        await self.sources.synced()
        follower = Follower(parts.world.virt["nodes"], parts.kubelet)
        following = asyncio.create_task(follower.run())
        parts.progress.standing_by = True
        try:
            await leader.acquire(self.unfit)
        finally:
            following.cancel()
            await asyncio.wait({following})
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(leader.keep(self.unfit))
            tasks.create_task(self._record())
            await until_answered("the kubeconfig's Secret", parts.publish)
            await self._sync(self._controller(follower.served))

    def unfit(self) -> str:
        """Return why another replica should lead rather than this one; empty when it may."""
        if self.sources.uninstalling:
            return "the anchor is gone"
        if self.pulse.away() > UNFIT:
            return self.pulse.trouble()
        return ""

    def _controller(self, ports: dict[str, int]) -> Controller:
        """Make what writes; it takes over all that is known already."""
        settings, world, virt = self._parts.settings, self._parts.world, self._parts.virt
        real = "nodes" in self._kinds
        nodes = Nodes(
            world,
            virt,
            self._parts.kubelet,
            kubelet_host=settings.kubelet_host,
            kubelet_version=self._host_version,
            own_node=settings.own_node,
            own_address=settings.own_address,
            real=real,
            only_real=real and (settings.scope.virtual_scheduler or not settings.node_selector),
            ports=ports,
        )
        host = self._parts.host
        made = Controller(world, virt, host, nodes, self._api_service, self.sources, self._kinds)
        self.sources.on_hold = made.holds.hold
        self.sources.on_confirm = made.confirm
        return made

    async def _sync(self, controller: Controller) -> None:
        accept = self._parts.settings.accept_new_datastore
        recognised = await until_answered(
            "the anchor and the datastore",
            lambda: self.sources.datastore.recognise(accept=accept),
        )
        if not recognised:
            why = "the datastore is not the one of the host objects"
            controller.holds.hold(self.sources.datastore.twins(), why)
        progress = self._parts.progress
        progress.controller = controller
        world = self._parts.world
        known = {"virtual": world.virt, "host": world.host}
        counts = {
            f"{side}_objects": sum(map(len, stores.values())) for side, stores in known.items()
        }
        log.info("initial sync complete", **counts, deletions_held=len(world.brake))
        await controller.run()

    async def _record(self) -> None:
        host, ident = self._parts.host, self._parts.world.ident
        await until_answered(
            "the record of k3s' version",
            lambda: k3s_upgrade.record(host, ident, self._virt_version),
        )
