"""The whole engine between two API servers, as app/run.py wires it, without k3s and kubelets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from syncer.kube.objects import Obj
from syncer.kube.transient import until_answered
from syncer.state import deletion_brake
from syncer.sync.controller import Controller
from syncer.sync.informers import Sources, keep
from syncer.sync.kinds import BY_DEFAULT
from syncer.sync.kubernetes_service import ApiService
from tests.unit.build import DNS_IP, IDENT, pod, service, twin
from tests.unit.fake_api import FakeApi
from tests.unit.fake_objects import Place
from tests.unit.sides import Endpoint, Sides, make_nodes

ANCHOR = Place("configmaps", "team-x", IDENT.anchor)
KUBE_SYSTEM = Place("namespaces", "", "kube-system")


class Engine:
    """One syncer; several in a row on the same sides are its restarts."""

    def __init__(self, sides: Sides, kinds: frozenset[str] = frozenset(BY_DEFAULT)) -> None:
        self.sides = sides
        self.virt_api: FakeApi = sides.virt_api
        self.host_api: FakeApi = sides.host_api
        self.world = sides.world
        self.endpoint = Endpoint()
        api_service = ApiService(self.world, sides.virt, "10.42.0.9", 8443)
        self.sources = Sources(self.world, sides.virt, sides.host, kinds, api_service.endpoints)
        self.controller = Controller(
            self.world,
            sides.virt,
            sides.host,
            make_nodes(sides, self.endpoint),
            api_service,
            self.sources,
            kinds,
        )
        self.sources.on_hold = self.controller.holds.hold
        self.sources.on_confirm = self.controller.confirm

    @contextlib.asynccontextmanager
    async def running(self, *, accept: bool = False) -> AsyncIterator[Engine]:
        task = asyncio.create_task(self._run(accept=accept))
        try:
            while not self.controller.started:
                assert not task.done(), task
                await asyncio.sleep(0.002)
            yield self
            assert not task.done(), task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self, *, accept: bool) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(keep(self.sources))
            await self.sources.synced()
            recognise = self.sources.datastore.recognise
            if not await until_answered("the anchor", lambda: recognise(accept=accept)):
                self.controller.holds.hold(self.sources.datastore.twins(), "another datastore")
            await self.controller.run()

    # --- what there is, and what happens

    def furnish(self) -> None:
        """Make what stands on both sides before the syncer starts."""
        anchor = {"metadata": {"name": IDENT.anchor}}
        self.host_api.objects.create("configmaps", "team-x", anchor)
        # The anchor's UID is who we are.
        self.anchor()["metadata"]["uid"] = IDENT.uid
        virt_objects = self.virt_api.objects
        virt_objects.create("namespaces", "", {"metadata": {"name": "kube-system"}})
        dns = service("kube-dns", "kube-system", clusterIP=DNS_IP)
        virt_objects.create("services", "kube-system", dns)

    def anchor(self) -> Obj:
        return self.host_api.objects.get(ANCHOR)

    def confirm(self) -> None:
        change = {"metadata": {"annotations": {deletion_brake.CONFIRM: "yes"}}}
        self.host_api.objects.patch(ANCHOR, change)

    def add_pods(self, count: int) -> None:
        for number in range(count):
            self.virt_api.objects.create("pods", "default", pod(f"web-{number}"))

    def add_orphans(self, count: int) -> None:
        """Make host pods whose virtual ones are gone."""
        for number in range(count):
            virt = pod(f"old-{number}")
            self.host_api.objects.create("pods", "team-x", twin(virt, "pods"))

    def exchange_datastore(self) -> None:
        """Let the virtual cluster be another one, with nothing in it."""
        objects = self.virt_api.objects
        for place in list(objects.all):
            objects.forget(place)
        objects.uid_prefix = "other-uid"
        objects.create("namespaces", "", {"metadata": {"name": "kube-system"}})

    def host_pods(self) -> list[str]:
        return sorted(
            obj["metadata"]["name"].partition("-x-")[0]
            for obj in self.host_api.objects.of("pods")
            if "deletionTimestamp" not in obj["metadata"]
        )

    def deletions(self) -> int:
        return sum(each.method == "DELETE" for each in self.host_api.requests)


def restarted(engine: Engine) -> Engine:
    """Return a new syncer on the same clusters: it knows nothing."""
    old = engine.sides
    fresh = Sides(old.virt_api, old.host_api, old.virt, old.host, old.world.scope)
    return Engine(fresh)
