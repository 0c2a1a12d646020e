"""Several replicas of one virtual cluster: each has its own API server on the same datastore."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator

from syncer.app.replica import Parts, Replica
from syncer.kube.client import Client
from syncer.kube.objects import Obj
from syncer.leader.election import Leader
from syncer.leader.lease import Timing
from syncer.settings import Settings
from syncer.startup import kubeconfig
from syncer.sync.controller import Controller
from syncer.sync.informers import keep
from syncer.sync.kinds import BY_DEFAULT
from syncer.telemetry.readiness import Progress
from tests.unit.build import IDENT, SCOPE, Clock, settings, world
from tests.unit.engine import Engine
from tests.unit.fake_api import WRITES, FakeApi
from tests.unit.fake_objects import Place
from tests.unit.kube.test_auth import FORMS
from tests.unit.sides import Endpoint

LEASE = Place("leases", "team-x", "vc-syncer")
TIMING = Timing(duration=60.0, deadline=40.0, retry=0.02)
"""No term ends because the machine is slow."""


def _settings(number: int) -> Settings:
    return settings(
        leader_elect=True,
        own_node=f"node-{number}",
        own_address=f"192.168.0.{number}",
        pod_ip=f"10.42.0.{number}",
        pod_name=f"vc-{number}",
        pod_uid=f"pod-uid-{number}",
    )


class Running:
    """One replica, as app/run.py starts it."""

    def __init__(self, number: int, virt_api: FakeApi, virt: Client, host: Client, voter: Client):
        self.virt_api = virt_api
        self.clients = (virt, host)
        self.clock = Clock(1000.0)
        self.endpoint = Endpoint()
        self.progress = Progress()
        self.leader = Leader(voter, IDENT, f"vc-{number}", clock=self.clock, timing=TIMING)
        virt.may_write = host.may_write = self.leader.holds
        self.progress.leader = self.leader
        _, admin = next(iter(FORMS.values()))
        publish = functools.partial(kubeconfig.publish, host, IDENT, admin, 8443)
        there, endpoint = world(SCOPE), self.endpoint
        parts = Parts(_settings(number), self.progress, there, virt, host, publish, endpoint)
        kinds = frozenset(BY_DEFAULT)
        self.replica = Replica(parts, kinds, "v1.34.4", "v1.34.4+k3s1", clock=self.clock)
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(keep(self.replica.sources))
                tasks.create_task(self.replica.pulse.run())
                await self.replica.elected(self.leader)
        finally:
            await self.leader.release()

    async def stop(self) -> None:
        """End it as SIGTERM does."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    @property
    def controller(self) -> Controller:
        assert self.progress.controller is not None
        return self.progress.controller

    def syncs(self) -> bool:
        controller = self.progress.controller
        return self.leader.holds() and controller is not None and controller.started

    def troubles(self) -> dict[str, str]:
        return {each.name: each.trouble for each in self.progress.checks() if each.trouble}

    def writes(self) -> int:
        return sum(
            count
            for client in self.clients
            for (method, _, _), count in client.requests.items()
            if method in WRITES
        )


@contextlib.asynccontextmanager
async def running(engine: Engine, number: int) -> AsyncIterator[Running]:
    """Start a replica beside others of the same two clusters."""
    async with FakeApi() as front:
        front.objects = engine.virt_api.objects
        front.objects.listeners.append(front._wake)
        async with (
            front.client("virt") as virt,
            engine.host_api.client("host") as host,
            engine.host_api.client("host") as voter,
        ):
            made = Running(number, front, virt, host, voter)
            try:
                yield made
            finally:
                await made.stop()


def holder(engine: Engine) -> str:
    lease: Obj | None = engine.host_api.objects.find(*LEASE)
    return (lease or {}).get("spec", {}).get("holderIdentity") or ""
