"""Wires the parts together: stores feed the queue, workers reconcile."""

from __future__ import annotations

import asyncio
import time

import structlog

from syncer.kube.client import Client
from syncer.kube.recorder import Recorder
from syncer.kube.transient import until_answered
from syncer.kube.workqueue import Queue
from syncer.state.cluster import World
from syncer.sync.classes import sweep
from syncer.sync.holds import Holds
from syncer.sync.informers import Sources
from syncer.sync.kubernetes_service import ApiService
from syncer.sync.nodes import Nodes
from syncer.sync.pods.tokens import Tokens
from syncer.sync.registrations import Parts, reconcilers
from syncer.sync.retry_policy import Attempts
from syncer.sync.watches import into, subscribe

log = structlog.get_logger()
WORKERS = 32  # requests in flight; the token bucket bounds their rate


class Controller:
    """Runs one virtual cluster's syncing."""

    def __init__(
        self,
        world: World,
        virt: Client,
        host: Client,
        nodes: Nodes,
        api_service: ApiService,
        sources: Sources,
        kinds: frozenset[str],
    ) -> None:
        self.world = world
        self.sources = sources
        self.queue = Queue(time.monotonic)
        self.recorder = Recorder(virt, time.monotonic)
        self.holds = Holds(world, host, sources.datastore, sources.history, self.queue.add)
        self.tokens = Tokens(world, virt, host, time.time)
        self.started = False
        self._kinds = kinds
        self._virt, self._host = virt, host
        parts = Parts(
            world=world,
            virt=virt,
            host=host,
            queue=self.queue,
            kinds=kinds,
            nodes=nodes,
            api_service=api_service,
            datastore=sources.datastore,
            holds=self.holds,
            tokens=self.tokens,
        )
        self._reconcilers = reconcilers(parts)
        self.attempts = Attempts(world, self.queue, self.recorder, self._reconcilers)
        for each in self._reconcilers.values():
            subscribe(each, into(self.queue))

    async def run(self) -> None:
        """Work until cancelled, from the moment that both sides are known completely."""
        self._host.may_delete = self.world.brake.allows
        for kind, reconciler in self._reconcilers.items():
            for key in await until_answered(f"what is known of {kind}", reconciler.begin):
                self.queue.add(key)
        self.started = True
        async with asyncio.TaskGroup() as tasks:
            # Beside the workers: it touches only kinds that no reconcile and no store is about.
            tasks.create_task(sweep(self._virt, self.world, self._kinds))
            for _ in range(WORKERS):
                tasks.create_task(self._work())

    def confirm(self) -> None:
        """Let held deletions go: the operator said so."""
        self.holds.confirm()

    # --- workers

    async def _work(self) -> None:
        while True:
            key = await self.queue.take()
            try:
                reconciler = self._reconcilers.get(key.kind)
                if reconciler is not None and not self.sources.uninstalling:
                    await self.attempts.attempt(key, reconciler.reconcile)
            finally:
                self.queue.done(key)
