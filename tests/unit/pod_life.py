"""A pod mirror between two API servers, and what the host's scheduler and kubelet do to pods."""

from __future__ import annotations

from typing import Any

from syncer.kube.objects import Key, Obj
from syncer.kube.workqueue import Queue
from syncer.sync.pods.reconciler import PodMirror
from syncer.sync.pods.tokens import Tokens
from syncer.sync.watches import subscribe
from tests.unit.build import DNS_IP, Clock, pod, service, twin
from tests.unit.fake_objects import Place
from tests.unit.sides import Endpoint, Sides, make_nodes

WEB = Key("pods", "default", "web")
PLACE = Place("pods", "default", "web")
TOKEN = {"name": "api", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}
ALL = frozenset({"pods", "services", "configmaps", "secrets", "persistentvolumeclaims"})


class Pods:
    """A pod mirror and what stands around it."""

    def __init__(self, sides: Sides, *, more: tuple[str, ...] = ()) -> None:
        self.sides = sides
        self.clock = Clock(1_000_000.0)
        self.queue = Queue(Clock())
        nodes = make_nodes(sides, Endpoint())
        tokens = Tokens(sides.world, sides.virt, sides.host, self.clock)
        kinds = ALL | set(more)
        self.mirror = PodMirror(
            sides.world,
            sides.virt,
            sides.host,
            tokens,
            nodes,
            self.queue,
            kinds.__contains__,
            self.clock,
        )
        subscribe(self.mirror, lambda _request: None)  # only what it remembers
        sides.add_host("services", twin(_dns(), "services", spec=_dns()["spec"]))
        sides.host_api.token_seconds = sides.virt_api.token_seconds = 1_003_600
        sides.writes()

    async def reconcile(self) -> None:
        await self.mirror.reconcile(WEB)

    async def settle(self) -> None:
        await self.sides.settle(self.mirror.reconcile, WEB)

    async def step(self) -> None:
        """Let the watches catch up and reconcile once."""
        self.sides.sync()
        await self.reconcile()

    # --- what the host's scheduler, kubelet and people do

    @property
    def host_place(self) -> Place:
        return self.sides.host_place("pods", "web")

    def host(self) -> Obj:
        return self.sides.host_api.objects.get(self.host_place)

    def virt(self) -> Obj:
        return self.sides.virt_api.objects.get(PLACE)

    def status(self, **status: Any) -> None:
        self.sides.host_api.objects.patch(self.host_place, {"status": status}, "status")

    def run(self, node: str = "node-1") -> None:
        target = {"metadata": {}, "target": {"name": node}}
        self.sides.host_api.objects.bind(self.host_place, target)
        self.status(phase="Running", startTime="2026-01-01T00:00:00Z", podIP="10.42.0.5")


def _dns() -> Obj:
    return service("kube-dns", "kube-system", clusterIP=DNS_IP)


async def running(pods: Pods, **spec: Any) -> None:
    """Bring a pod up as in real life."""
    pods.sides.add_virt("pods", pod(**spec))
    await pods.settle()
    pods.run()
    await pods.settle()
    pods.sides.sync()
    pods.sides.writes()
