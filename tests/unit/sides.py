"""Both sides of a virtual cluster for tests of one reconciler: two API servers, one World.

`sync` shows the World what the servers have, as complete watches would; between two calls it is as
stale as the test wants it to be.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import orjson

from syncer.kube.client import Client
from syncer.kube.objects import Key, Obj
from syncer.kube.resources import EVENTS, NODES, PODS, VOLUMES
from syncer.state.cluster import World
from syncer.sync.kinds import KINDS
from syncer.sync.nodes import Nodes
from syncer.sync.remark import Remark
from syncer.translate.classes import CLASSES
from syncer.translate.context import Scope
from syncer.translate.nodes import shown
from tests.unit.build import IDENT, SCOPE, world
from tests.unit.fake_api import FakeApi
from tests.unit.fake_faults import Asked
from tests.unit.fake_objects import Place

RESOURCES = {name: kind.resource for name, kind in KINDS.items()}
RESOURCES |= {"pods": PODS, "nodes": NODES, "persistentvolumes": VOLUMES, "events": EVENTS}
RESOURCES |= {name: kind.resource for name, kind in CLASSES.items()}


class Sides:
    """What a reconciler works between."""

    def __init__(
        self, virt_api: FakeApi, host_api: FakeApi, virt: Client, host: Client, scope: Scope
    ) -> None:
        self.virt_api, self.host_api = virt_api, host_api
        self.virt, self.host = virt, host
        self.world: World = world(scope)
        self.host.may_delete = self.world.brake.allows

    # --- what is there

    def add_virt(self, kind: str, obj: Obj) -> Obj:
        """Create an object as the tenant does; return it as it then is."""
        namespace = obj["metadata"]["namespace"] if RESOURCES[kind].namespaced else ""
        made = self.virt_api.objects.create(kind, namespace, obj)
        self.sync()
        return made

    def add_host(self, kind: str, obj: Obj) -> Obj:
        """Create a host object as the host's people do; return it as it then is."""
        namespace = IDENT.host_namespace if RESOURCES[kind].namespaced else ""
        made = self.host_api.objects.create(kind, namespace, obj)
        self.sync()
        return made

    def virt_obj(self, kind: str, name: str, namespace: str = "default") -> Obj | None:
        return self.virt_api.objects.find(kind, namespace, name)

    def host_obj(self, kind: str, name: str, namespace: str = "default") -> Obj | None:
        """Return the twin."""
        host_name = self.world.host_name(Key(kind, namespace, name))
        return self.host_api.objects.find(kind, IDENT.host_namespace, host_name)

    def host_place(self, kind: str, name: str, namespace: str = "default") -> Place:
        return Place(kind, IDENT.host_namespace, self.world.host_name(Key(kind, namespace, name)))

    # --- what the reconciler sees and does

    def sync(self) -> None:
        """Let both watches catch up."""
        for kind in self.world.virt:
            self.world.virt[kind].replace(_copies(kind, self.virt_api.objects.of(kind)))
            ours = [
                obj
                for obj in self.host_api.objects.of(
                    kind, "" if kind == "nodes" else IDENT.host_namespace
                )
                if kind in ("events", "nodes")
                or IDENT.selector in [f"{k}={v}" for k, v in _labels(obj).items()]
            ]
            copies = _copies(kind, ours)
            if kind == "nodes":
                copies = [shown(each) for each in copies]
            self.world.host[kind].replace(copies)
        for kind, stores in self.world.shown.items():
            stores.virt.replace(_copies(kind, self.virt_api.objects.of(kind)))
            stores.host.replace(_copies(kind, self.host_api.objects.of(kind)))

    def writes(self) -> list[tuple[str, str, str]]:
        """Return (side, method, resource) of every write since the last call."""
        found = [
            (side, asked.method, asked.resource)
            for side, api in (("virt", self.virt_api), ("host", self.host_api))
            for asked in api.writes()
        ]
        self.virt_api.requests.clear()
        self.host_api.requests.clear()
        return found

    def asked(self, side: str, method: str, resource: str) -> list[Asked]:
        api = self.virt_api if side == "virt" else self.host_api
        return api.made(method, resource)

    async def settle(
        self, reconcile: Callable[[Key], Awaitable[Remark | None]], key: Key, most: int = 6
    ) -> Remark | None:
        """Reconcile until there is nothing to do any more; return what is remarked then."""
        for _ in range(most):
            self.sync()
            self.writes()
            remark = await reconcile(key)
            if not self.writes():
                return remark
        raise AssertionError(f"{key} does not come to rest")


def _labels(obj: Obj) -> dict[str, str]:
    return obj["metadata"].get("labels") or {}


def _copies(kind: str, objects: list[Obj]) -> list[Obj]:
    resource = RESOURCES[kind]
    named = {"apiVersion": resource.api_version, "kind": resource.kind}
    return [{**named, **orjson.loads(orjson.dumps(obj))} for obj in objects]


@asynccontextmanager
async def both_sides(scope: Scope = SCOPE) -> AsyncIterator[Sides]:
    async with (
        FakeApi() as virt_api,
        FakeApi() as host_api,
        virt_api.client("virt") as virt,
        host_api.client("host") as host,
    ):
        virt_api.objects.uid_prefix, host_api.objects.uid_prefix = "virt-uid", "host-uid"
        yield Sides(virt_api, host_api, virt, host, scope)


class Endpoint:
    """Listens for nobody, and remembers on which ports."""

    def __init__(self) -> None:
        self.ports: dict[int, str] = {}
        self.broken = False

    async def listen(self, port: int, node_name: str) -> int:
        if self.broken:
            raise OSError("address in use")
        self.ports[port] = node_name
        return port

    async def close(self, port: int) -> None:
        del self.ports[port]


def make_nodes(
    sides: Sides, endpoint: Endpoint, *, real: bool = False, only_real: bool = False
) -> Nodes:
    return Nodes(
        sides.world,
        sides.virt,
        endpoint,
        kubelet_host="kubelet.internal",
        kubelet_version="v1.34.4",
        own_node="own-node",
        own_address="192.168.0.1",
        real=real,
        only_real=only_real,
    )
