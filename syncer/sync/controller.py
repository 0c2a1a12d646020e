"""Wires the parts together: stores feed the queue, workers reconcile."""

from __future__ import annotations

import asyncio
import time

import structlog

from syncer.kube.client import Client
from syncer.kube.objects import Key
from syncer.kube.recorder import Recorder
from syncer.kube.transient import until_answered
from syncer.kube.workqueue import Queue
from syncer.state.cluster import World
from syncer.sync.certificates import Certificates
from syncer.sync.classes import ClassMirror, sweep
from syncer.sync.datastore_identity import ANCHOR_KEY
from syncer.sync.endpoints import EndpointsMirror
from syncer.sync.events import EventMirror
from syncer.sync.generic import Mirror
from syncer.sync.holds import Holds
from syncer.sync.informers import Sources
from syncer.sync.kinds import KINDS
from syncer.sync.kubernetes_service import KEY as API_KEY
from syncer.sync.kubernetes_service import ApiService
from syncer.sync.nodes import Nodes
from syncer.sync.persistentvolumeclaims import ClaimMirror
from syncer.sync.persistentvolumes import VolumeMirror
from syncer.sync.pods.reconciler import PodMirror
from syncer.sync.pods.tokens import Tokens
from syncer.sync.retry_policy import Attempts
from syncer.sync.services import ServiceMirror
from syncer.sync.watches import Reconciler, into, subscribe
from syncer.translate.certificates import needs
from syncer.translate.classes import CLASSES

log = structlog.get_logger()
WORKERS = 32  # requests in flight; the token bucket bounds their rate

SPECIAL: dict[str, type[Mirror]] = {
    "services": ServiceMirror,
    "persistentvolumeclaims": ClaimMirror,
    "endpoints": EndpointsMirror,
    "endpointslices": EndpointsMirror,
}


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
        self.nodes = nodes
        self.events = EventMirror(world, virt)
        self.holds = Holds(world, host, sources.datastore, sources.history, self.queue.add)
        self.started = False
        self._kinds = kinds
        self._virt, self._host = virt, host
        self.tokens = Tokens(world, virt, host, time.time)
        self.pods = PodMirror(
            world, virt, host, self.tokens, nodes, self.queue, kinds.__contains__, time.monotonic
        )
        mirrors = kinds & KINDS.keys()
        made: list[Reconciler] = [
            self.pods,
            nodes,
            self.events,
            api_service,
            sources.datastore,
            self.holds,
            *(SPECIAL.get(each, Mirror)(KINDS[each], world, virt, host) for each in mirrors),
        ]
        if "persistentvolumeclaims" in kinds:
            made.append(VolumeMirror(world, virt, self.recorder))
        made += [
            ClassMirror(CLASSES[each], world, virt, self.recorder)
            for each in kinds & CLASSES.keys()
        ]
        if needs(kinds):
            made.append(Certificates(world, virt, host, self.queue, time.monotonic))
        self._reconcilers = {each.kind: each for each in made}
        self.attempts = Attempts(world, self.queue, self.recorder, self._reconcilers)
        for each in made:
            subscribe(each, into(self.queue))

    async def run(self) -> None:
        """Work until cancelled, from the moment that both sides are known completely."""
        self._host.may_delete = self.world.brake.allows
        await until_answered("the virtual cluster's events", self.events.learn)
        self.pods.past.learn()
        self.holds.at_start()
        if self.sources.datastore.restored and not len(self.world.brake):
            self.queue.add(ANCHOR_KEY)  # nothing is left to be careful about
        self.queue.add(API_KEY)
        self.queue.add(Key("nodes", "", self.nodes.own_node))
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
