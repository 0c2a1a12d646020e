"""The life of a pod on both sides.

    virtual          host             what happens
    absent           present          the host pod is deleted; then its tokens
    present          absent           created, unless it ran before: then it has ended;
                                      where k3s runs a scheduler, once that has chosen the node
    deleting         present          the host pod is deleted with the same grace
    deleting         absent           the virtual pod is removed, now that nothing runs any more
    present          of another UID   the host pod is deleted first, then a new one is made
    present          deleting         the virtual pod is deleted too, if a controller replaces it
    present          present          bound to the host pod's node; status flows up, labels down

One virtual UID never gets a second host pod: a Job's work must not run twice (threats R25).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Protocol

import structlog

from syncer import identity
from syncer.errors import NotYet
from syncer.kube.client import STRATEGIC, Client
from syncer.kube.objects import Key, Obj, annotation, controller_of, is_deleting, uid_of
from syncer.kube.resources import PODS
from syncer.kube.store import Change
from syncer.kube.workqueue import Queue
from syncer.state.cluster import World
from syncer.state.pod_index import TERMINAL, arrived, phase_of
from syncer.sync import common_watches
from syncer.sync.generic import create_twin, name_taken
from syncer.sync.pods import pod_watches
from syncer.sync.pods.delete import PodEnds, grace_of
from syncer.sync.pods.final_status import LastWords
from syncer.sync.pods.placement_history import PodPast
from syncer.sync.pods.sidecars import Sidecars
from syncer.sync.pods.status_debounce import Patience
from syncer.sync.pods.tokens import Tokens
from syncer.sync.pods.update import PodChanges
from syncer.sync.watches import Reconciler, Request, Watch
from syncer.translate import pods as translate
from syncer.translate import status, volumes
from syncer.translate.messages import replacements, reworded
from syncer.translate.pod_references import references

log = structlog.get_logger()
LOOK_AHEAD = 32  # keys: more pods than share a Secret
MANY = 8  # pods that wait: fewer are made as fast one by one, each with a Secret of its own


class Nodes(Protocol):
    """What keeps the virtual nodes."""

    async def ensure(self, node: str) -> None:
        """Return once the virtual node exists, so that a pod can be bound to it."""


class PodMirror(Reconciler):
    """Reconciles pods; see the module's table."""

    kind = "pods"

    def __init__(
        self,
        world: World,
        virt: Client,
        host: Client,
        tokens: Tokens,
        nodes: Nodes,
        queue: Queue,
        synced: Callable[[str], bool],
        clock: Callable[[], float],
    ) -> None:
        self.world = world
        self.virt = virt
        self.host = host
        self.tokens = tokens
        self.nodes = nodes
        self.queue = queue
        self.synced = synced
        self.changes = PodChanges(world, host, synced)
        self.ends = PodEnds(world, virt, host, tokens)
        self.last_words = LastWords(world, virt, self._up)
        self.past = PodPast(world)
        self.sidecars = Sidecars(host)
        self.patience = Patience(queue, clock)

    def watches(self) -> Iterator[Watch]:
        """Yield both sides' pods, and what pods wait for."""
        yield from common_watches.named(self.world, self.kind, references)
        yield Watch(self.world.host["pods"], self._remember, "only remembered")
        yield from common_watches.both_sides(self.world, self.kind, ahead=arrived)
        yield from pod_watches.tokens(self.world)
        yield from pod_watches.dns(self.world)

    async def begin(self) -> Iterable[Key]:
        """Learn which pods had a host pod before this start."""
        self.past.learn()
        return ()

    async def reconcile(self, key: Key) -> None:
        """Bring one pod's two sides together."""
        virt_pod, host_pod = self.world.virt_object(key), self.world.host_object(key)
        if host_pod is None:
            self.patience.end(key)
            if virt_pod is None:
                self.last_words.forget(key)
                self.past.forget(key)
                await self.tokens.forget(key)
            else:
                await self._only_virtual(key, virt_pod)
            return
        if not self.world.ident.is_ours(host_pod):
            if virt_pod is not None:
                raise name_taken(PODS, key)
            return
        other = virt_pod is None or annotation(host_pod, identity.UID) != uid_of(virt_pod)
        if other:
            await self.ends.delete_host(key, host_pod, None)
        elif virt_pod is not None:
            await self._both(key, virt_pod, host_pod)

    async def _only_virtual(self, key: Key, virt_pod: Obj) -> None:
        if is_deleting(virt_pod):
            await self.tokens.forget(key)
            await self.last_words.tell(key, virt_pod)
            await self.ends.remove_virtual(virt_pod)
            return
        if not self._may_begin(virt_pod):
            return
        if self._has_begun(key, virt_pod):
            await self.ends.ended(key, virt_pod)
            return
        placed = self.world.scope.virtual_scheduler
        chosen = self._chosen(virt_pod["spec"]["nodeName"]) if placed else None
        dns_ip = self._require(key, virt_pod)
        services = self.world.services_in(key.namespace)
        world = self.world
        obj = translate.to_host(
            virt_pod, services, dns_ip, world.scope, chosen, hosts_class=world.is_copy
        )
        await self.sidecars.require(obj)
        issued = await self.tokens.issue(key, virt_pod, partial(self._waiting, key.namespace))
        if issued is not None:
            own = translate.token_secret_name(world.ident, virt_pod)
            volumes.look_in(obj, own, issued.secret)
        await create_twin(self.world, self.host, PODS, key, obj)
        if issued is not None:
            self.queue.add_after(key, issued.renew_in)

    def _may_begin(self, virt_pod: Obj) -> bool:
        """Tell whether the pod is one that is to have a host pod, sooner or later."""
        if phase_of(virt_pod) in TERMINAL or virt_pod["spec"].get("schedulingGates"):
            return False
        # Without a node it is the virtual scheduler's turn.
        return not self.world.scope.virtual_scheduler or bool(virt_pod["spec"].get("nodeName"))

    def _has_begun(self, key: Key, virt_pod: Obj) -> bool:
        placed = self.world.scope.virtual_scheduler
        return _ran(virt_pod, placed=placed) or self.past.placed(key, virt_pod)

    def _waiting(self, namespace: str) -> list[Obj]:
        """Return the namespace's pods that are next to get a host pod, if many are."""
        found = []
        for key in self.queue.coming(LOOK_AHEAD):
            if key.kind != "pods" or key.namespace != namespace:
                continue
            virt_pod = self.world.virt_object(key)
            if (
                virt_pod is not None
                and self.world.host_object(key) is None
                and not is_deleting(virt_pod)
                and self._may_begin(virt_pod)
                and not self._has_begun(key, virt_pod)
            ):
                found.append(virt_pod)
        return found if len(found) >= MANY else []

    def _chosen(self, node: str) -> Obj:
        host_node = self.world.host["nodes"].get("", node)
        if host_node is None:
            # Not refused: garbage collection of the virtual cluster ends pods of missing nodes.
            raise NotYet(f"node {node}")
        return host_node

    def _require(self, key: Key, virt_pod: Obj) -> str:
        """Return the DNS address once all that the pod needs on the host is there.

        A ConfigMap, Secret or claim that the virtual cluster does not have either is not waited
        for: that is the kubelet's business to report.
        """
        named = references(virt_pod)
        for ref in named:
            if (
                self.synced(ref.kind)
                and self.world.virt_object(ref) is not None
                and self.world.host_object(ref) is None
            ):
                self.queue.add(ref)
                raise NotYet(f"{ref.kind} {ref.name}")
        dns_ip = self.world.dns_ip()
        if not dns_ip:
            raise NotYet(f"the DNS service, for {key.name}")
        return dns_ip

    async def _both(self, key: Key, virt_pod: Obj, host_pod: Obj) -> None:
        if is_deleting(virt_pod):
            await self.ends.delete_host(key, host_pod, grace_of(virt_pod))
        elif is_deleting(host_pod) and controller_of(virt_pod) is not None:
            # Somebody drained or evicted it: it goes like any pod of a drained node, and its
            # controller replaces it. A bare pod must not vanish: it ends as Failed (delete.py).
            grace = host_pod["metadata"].get("deletionGracePeriodSeconds")
            await self.ends.delete_virtual(virt_pod, grace)
            return
        if self.ends.not_admitted(virt_pod, host_pod):
            await self.ends.reject(key, virt_pod, host_pod)
            return
        await self._bind(virt_pod, host_pod)
        # Up before down: what is refused on its way down must not hide how the pod is.
        await self._up(virt_pod, host_pod)
        if not is_deleting(virt_pod) and not is_deleting(host_pod):
            # Tokens before what may be refused: they run out.
            await self._renew(key, virt_pod, host_pod)
            await self.changes.down(key, virt_pod, host_pod)

    async def _renew(self, key: Key, virt_pod: Obj, host_pod: Obj) -> None:
        if phase_of(host_pod) not in TERMINAL:
            renew_in = await self.tokens.renew(virt_pod, host_pod)
            if renew_in is not None:
                self.queue.add_after(key, renew_in)

    async def _bind(self, virt_pod: Obj, host_pod: Obj) -> None:
        """Bind the virtual pod to the node that the host's scheduler chose."""
        node = host_pod["spec"].get("nodeName")
        if not node or virt_pod["spec"].get("nodeName") or is_deleting(virt_pod):
            return
        await self.nodes.ensure(node)
        meta = virt_pod["metadata"]
        binding: Obj = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {
                "name": meta["name"],
                "namespace": meta["namespace"],
                "uid": meta["uid"],
            },
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        }
        await self.virt.create(PODS, meta["namespace"], binding, subresource="binding")

    async def _up(self, virt_pod: Obj, host_pod: Obj) -> None:
        """Write the host pod's status to the virtual pod where it says something else.

        Condition by condition: others write theirs at any time, and none of them may be undone.
        """
        placed = self.world.scope.virtual_scheduler
        have = status.of_pod(virt_pod)
        words = replacements(host_pod, virt_pod, self.world.ident)
        want = reworded(status.pod(host_pod, virt_pod, placed=placed), words)
        if is_deleting(host_pod) and not is_deleting(virt_pod) and want.get("phase") in TERMINAL:
            # It is being killed: that its processes end well must not read as success.
            want["phase"] = have.get("phase", "Running")
        patch = status.difference(have, want)
        key = translate.key(virt_pod)
        # Not with a scheduler of its own: there, the first report tells that the pod has run.
        may_wait = status.underway(host_pod) and not placed and not is_deleting(virt_pod)
        if not patch or (may_wait and self.patience.asks(key)):
            return
        self.patience.end(key)
        answer = await self.virt.patch(
            PODS, virt_pod, {"status": patch}, subresource="status", content_type=STRATEGIC
        )
        self.world.virt["pods"].put_written(answer)

    # --- from stores to keys

    def _remember(self, change: Change) -> Iterator[Request]:
        self.past.note(change)
        self.last_words.note(change)
        yield from ()


def _ran(virt_pod: Obj, *, placed: bool) -> bool:
    """Tell whether the pod had a host pod that was placed on a node.

    `placed` by the virtual scheduler, its being scheduled says nothing about the host: only that a
    kubelet has seen the pod does.
    """
    pod_status = virt_pod.get("status") or {}
    if pod_status.get("startTime"):
        return True
    return not placed and any(
        each["type"] == "PodScheduled" and each["status"] == "True"
        for each in pod_status.get("conditions") or ()
    )
