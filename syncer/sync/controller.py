"""Wires the parts together: stores feed the queue, workers reconcile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog

from syncer.identity import DNS_SERVICE, virtual_key
from syncer.kube.client import Client
from syncer.kube.objects import Key, Obj, either, ref_of
from syncer.kube.recorder import Recorder
from syncer.kube.transient import until_answered
from syncer.kube.workqueue import Queue
from syncer.state.cluster import World
from syncer.state.pod_index import arrived, pod_ips
from syncer.state.token_index import holders
from syncer.sync import certificates, holds
from syncer.sync.classes import ClassMirror, sweep
from syncer.sync.datastore_identity import ANCHOR_KEY
from syncer.sync.events import EventMirror
from syncer.sync.generic import Mirror
from syncer.sync.informers import Sources
from syncer.sync.kinds import KINDS
from syncer.sync.kubernetes_service import KEY as API_KEY
from syncer.sync.kubernetes_service import ApiService
from syncer.sync.nodes import Nodes
from syncer.sync.persistentvolumeclaims import ClaimMirror
from syncer.sync.persistentvolumes import VolumeMirror
from syncer.sync.pods.reconciler import PodMirror
from syncer.sync.pods.tokens import Tokens
from syncer.sync.retry_policy import SAFETY_NET, Attempts, Reconcile
from syncer.sync.services import ServiceMirror
from syncer.translate import ingresses
from syncer.translate import pods as pod_translate
from syncer.translate.certificates import needs
from syncer.translate.classes import CLASSES
from syncer.translate.pod_references import references as pod_references

log = structlog.get_logger()
WORKERS = 32  # requests in flight; the token bucket bounds their rate

SPECIAL: dict[str, type[Mirror]] = {
    "services": ServiceMirror,
    "persistentvolumeclaims": ClaimMirror,
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
        self.holds = holds.Holds(world, host, sources.datastore, self.queue.add)
        self.started = False
        self._kinds = kinds
        self._virt, self._host = virt, host
        self.tokens = Tokens(world, virt, host, time.time)
        self.pods = PodMirror(
            world, virt, host, self.tokens, nodes, self.queue, kinds.__contains__, time.monotonic
        )
        self._reconcilers: dict[str, Reconcile] = {
            "pods": self.pods.reconcile,
            "nodes": nodes.reconcile,
            "events": self.events.reconcile,
            API_KEY.kind: api_service.reconcile,
            ANCHOR_KEY.kind: sources.datastore.note_cluster,
            holds.KEY.kind: self.holds.save,
        }
        for name in kinds & KINDS.keys():
            mirror = SPECIAL.get(name, Mirror)
            self._reconcilers[name] = mirror(KINDS[name], world, virt, host).reconcile
        if "persistentvolumeclaims" in kinds:
            volumes = VolumeMirror(world, virt, self.recorder, self.queue.add)
            self._reconcilers["persistentvolumes"] = volumes.reconcile
        for name in kinds & CLASSES.keys():
            classes = ClassMirror(CLASSES[name], world, virt, self.recorder, self.queue.add)
            self._reconcilers[name] = classes.reconcile
        if needs(kinds):
            self._reconcilers[certificates.KIND] = certificates.Certificates(
                world, virt, host, self.queue, time.monotonic
            ).reconcile
        self.attempts = Attempts(world, self.queue, self.recorder, self._reconcilers)
        self._listen(api_service)

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
        self.sources.history.forget()
        self.queue.add(ANCHOR_KEY)
        self.queue.add(holds.KEY)

    def _settle(self, key: Key) -> None:
        if self.holds.looked_at(key):
            self.confirm()

    # --- from stores to keys

    def _listen(self, api_service: ApiService) -> None:
        """Hear of every change, and of what is known already when we begin to lead."""
        for kind, store in self.world.virt.items():
            store.listen(self._virtual_listener(kind), replay=True)
        for kind, store in self.world.host.items():
            if kind == "events":
                store.listen(self._host_event, replay=True)
            elif kind == "nodes":
                store.listen(self._host_node, replay=True)
            else:
                store.listen(self._host_listener(kind), replay=True)
        for addresses in (api_service.endpoints, api_service.replicas):
            if addresses is not None:
                addresses.listen(lambda *_: self.queue.add(API_KEY))

    def _virtual_listener(self, kind: str) -> Callable[[Obj | None, Obj | None, bool], None]:
        def changed(old: Obj | None, new: Obj | None, backlog: bool) -> None:  # noqa: FBT001
            key = Key(kind, *ref_of(either(old, new)))
            if kind in ("pods", "ingresses"):
                self._reference(key, new, backlog=backlog)
            self._settle(key)
            self.queue.add(key, backlog=backlog)
            if kind == "pods" and new is None and old is not None:
                self._leave_node(old)
            if kind == "services":
                if key[1:] == API_KEY[1:]:
                    self.queue.add(API_KEY)
                if any(
                    each is not None and not each["spec"].get("selector") for each in (old, new)
                ):
                    self._wake_endpoints()

        return changed

    def _wake_endpoints(self) -> None:
        """Queue all that were made by hand: a service or an address that they need came or went."""
        for kind in self._kinds & {"endpoints", "endpointslices"}:
            for virt in self.world.virt[kind]:
                key = Key(kind, *ref_of(virt))
                if KINDS[kind].wanted(key, virt, self.world) or self.world.host_object(key):
                    self.queue.add(key, backlog=True)

    def _reference(self, key: Key, new: Obj | None, *, backlog: bool) -> None:
        if new is None and self.world.host_object(key) is not None:
            return  # what a host pod may still use stays as long as it does
        references = pod_references if key.kind == "pods" else ingresses.references
        for ref in self.world.references.set(key, references(new) if new is not None else set()):
            self.queue.add(ref, backlog=backlog)

    def _host_listener(self, kind: str) -> Callable[[Obj | None, Obj | None, bool], None]:
        def changed(old: Obj | None, new: Obj | None, backlog: bool) -> None:  # noqa: FBT001
            host_obj = either(old, new)
            key = virtual_key(host_obj)
            if key is None:
                return
            if held := holders(host_obj):
                # What has just been made, we have made.
                if backlog or old is not None:
                    self._wake_holders(key.namespace, held, backlog=backlog)
                return
            if key.kind not in self._reconcilers or key.kind != kind:
                return
            if new is None:
                if self.world.virt_object(key) is None:
                    self._reference(key, None, backlog=backlog)
                self._settle(key)
                waiting = self.world.room.freed(kind)
                if waiting is not None:
                    self.queue.add(waiting)
            self.queue.add(
                key, backlog=backlog, ahead=kind == "pods" and not backlog and arrived(new)
            )
            if kind == "pods":
                self._learn_node(old, new)
                if pod_ips(old) != pod_ips(new):
                    self._wake_endpoints()
            elif old is None:
                for owner in self.world.references.owners(key):
                    self.queue.add(owner, backlog=backlog)
                if key == DNS_SERVICE:
                    self._wake_pods()

        return changed

    def _wake_holders(self, namespace: str, held: dict[str, str], *, backlog: bool) -> None:
        """Queue the pods of a Secret with tokens that was changed, or that has just been found."""
        for name, uid in held.items():
            # Pods that are gone were done with before; after a start, there may be leftovers.
            if backlog or self.world.pods.lives(uid):
                self.queue.add(Key("pods", namespace, name), backlog=backlog)

    def _host_event(self, old: Obj | None, new: Obj | None, _backlog: bool) -> None:  # noqa: FBT001
        if new is not None:
            # Always behind everything else: news about an object must not hold up the object.
            self.queue.add(Key("events", *ref_of(new)), news=True)
        elif old is not None:
            self.events.forget(old)

    def _host_node(self, old: Obj | None, new: Obj | None, _backlog: bool) -> None:  # noqa: FBT001
        # Never behind a backlog: pods are bound to nodes.
        self.queue.add(Key("nodes", *ref_of(either(old, new))))

    def _learn_node(self, old: Obj | None, new: Obj | None) -> None:
        if new is not None:
            key = self.nodes.learn(new)
            if key is not None:
                self.queue.add(key)
        elif old is not None:
            self._leave_node(old)

    def _leave_node(self, pod: Obj) -> None:
        node = pod["spec"].get("nodeName")
        if node:
            # Later: a rolling update would remove the node and make it again.
            self.queue.add_after(Key("nodes", "", node), SAFETY_NET)

    def _wake_pods(self) -> None:
        for pod in self.world.virt["pods"]:
            key = pod_translate.key(pod)
            if self.world.host_object(key) is None:
                self.queue.add(key)

    # --- workers

    async def _work(self) -> None:
        while True:
            key = await self.queue.take()
            try:
                reconcile = self._reconcilers.get(key.kind)
                if reconcile is not None and not self.sources.uninstalling:
                    await self.attempts.attempt(key, reconcile)
            finally:
                self.queue.done(key)
