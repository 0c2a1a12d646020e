"""Virtual nodes: the host's where we may read them, else one for each that runs a pod of ours.

Without that right, what the pods tell is all that is known: the node's name, its address, the
host's version. The kubelet behind each is our own endpoint, dialed under the name in `Hostname`,
on a port of the node's own on loopback.

Heartbeats of the host's nodes are not passed on: they go up together with the next real change, so
that nodes at rest cost no writes. Nothing in the virtual cluster waits for them, since the one
controller that would (`nodelifecycle`) is off; no Lease is kept for the same reason.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Iterable, Iterator

import structlog

from syncer.errors import AlreadyExists, NotFound, NotYet
from syncer.kube.client import Client
from syncer.kube.keyed_locks import Locks
from syncer.kube.objects import Key, Obj, annotation, covers, is_deleting, merge_patch, ref_of
from syncer.kube.resources import NODES
from syncer.kube.store import Change
from syncer.kubelet import Endpoint
from syncer.state.cluster import World
from syncer.sync.common_watches import twin_key
from syncer.sync.retry_policy import SAFETY_NET
from syncer.sync.watches import Reconciler, Request, Watch
from syncer.translate import nodes as translate
from syncer.translate.nodes import FIRST_PORT, port_of

log = structlog.get_logger()


class Nodes(Reconciler):
    """Keeps the virtual nodes; `own_node` is the one that the syncer itself runs on.

    `ports`: where nodes are served already. `real`: the host's nodes are read. `only_real`: there
    are no others, since all of them are read or since the virtual scheduler may use no others.
    """

    kind = "nodes"

    def __init__(
        self,
        world: World,
        virt: Client,
        endpoint: Endpoint,
        *,
        kubelet_host: str,
        kubelet_version: str,
        own_node: str,
        own_address: str,
        real: bool = False,
        only_real: bool = False,
        ports: dict[str, int] | None = None,
    ) -> None:
        self.world = world
        self.virt = virt
        self.endpoint = endpoint
        self.kubelet_host = kubelet_host
        self.kubelet_version = kubelet_version
        self.own_node = own_node
        self.real = real
        self.only_real = only_real
        self.addresses = {own_node: own_address}
        self.ports: dict[str, int] = {} if ports is None else ports
        self._locks = Locks()

    def watches(self) -> Iterator[Watch]:
        """Yield both sides' nodes, and the pods of both sides, which are on nodes."""
        virt, host = self.world.virt, self.world.host
        yield Watch(virt["nodes"], self._virt_node_changed, "the virtual node changed")
        yield Watch(host["nodes"], self._host_node_changed, "the host's node changed")
        yield Watch(virt["pods"], self._virt_pod_changed, "a virtual pod on it is gone")
        yield Watch(host["pods"], self._host_pod_changed, "a host pod tells of it, or left it")

    async def begin(self) -> Iterable[Key]:
        """Return the syncer's own node, which is there though no pod is."""
        return (Key("nodes", "", self.own_node),)

    async def ensure(self, node: str) -> None:
        """Return once the virtual node exists, so that a pod can be bound to it."""
        if self.world.virt["nodes"].get("", node) is None:
            await self.reconcile(Key("nodes", "", node))
            if self.only_real and node not in self.ports:
                raise NotYet(f"node {node}")  # a new one, which its own watch has not shown yet

    async def reconcile(self, key: Key) -> None:
        """Create, repair or remove one virtual node."""
        async with self._locks(key.name):
            virt_node = self.world.virt["nodes"].get("", key.name)
            if not self._wanted(key.name):
                await self._remove(key.name, virt_node)
                return
            await self._listen(key.name, virt_node)
            if virt_node is None:
                try:
                    virt_node = await self.virt.create(NODES, "", self._want(key.name, {}))
                    log.info("created", kind="nodes", virt_name=key.name)
                except AlreadyExists:
                    virt_node = await self.virt.get(NODES, "", key.name)
            if is_deleting(virt_node):
                return  # its end queues the key again, and a new one is made
            await self._repair(key.name, virt_node)

    def learn(self, host_pod: Obj) -> Key | None:
        """Take a node's address from a host pod; return the node's key when there is news."""
        node = host_pod["spec"].get("nodeName")
        if not node:
            return None
        address = (host_pod.get("status") or {}).get("hostIP", "")
        known = self.addresses.get(node)
        if known is None or (address and address != known):
            self.addresses[node] = address
            return Key("nodes", "", node)
        return None

    def _wanted(self, node: str) -> bool:
        """Tell whether the host has the node, or a pod of either side is on it.

        A virtual pod counts: the virtual cluster's garbage collector ends pods of missing nodes.
        """
        if self.world.host["nodes"].get("", node) is not None:
            return True
        if self.only_real:
            return False
        return (node == self.own_node and not self.real) or self.world.pods.has_pods(node)

    async def _listen(self, node: str, virt_node: Obj | None) -> None:
        if node in self.ports:
            return
        taken = set(self.ports.values())
        # The port that the node had before a restart, since the API server may hold it cached.
        port = port_of(virt_node) if virt_node is not None else 0
        if port < FIRST_PORT or port in taken:
            others = {port_of(each) for each in self.world.virt["nodes"]}
            port = next(p for p in range(FIRST_PORT, 65536) if p not in taken | others)
        self.ports[node] = port  # at once, so that no other node takes it meanwhile
        try:
            await self.endpoint.listen(port, node)
        except OSError:
            del self.ports[node]
            raise

    def _seen(self, node: str) -> Obj:
        """Return the node as the host has it, or else as pods tell."""
        host_node = self.world.host["nodes"].get("", node)
        if host_node is not None:
            return host_node
        arch = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
        address = self.addresses.get(node, "")
        return translate.told_by_pods(node, address, self.kubelet_version, arch)

    def _want(self, node: str, virt_node: Obj) -> Obj:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        port = self.ports[node]
        return translate.virtual(self._seen(node), virt_node, self.kubelet_host, port, now)

    async def _repair(self, node: str, virt_node: Obj) -> None:
        """Bring what the host says, and undo what admission or the tenant did (threats H1)."""
        if status := _status_difference(virt_node, self._want(node, virt_node)["status"]):
            virt_node = await self.virt.patch(
                NODES, virt_node, {"status": status}, subresource="status"
            )
        # Last, since it notes what of the node is the host's, status included.
        if patch := _difference(virt_node, self._want(node, virt_node)):
            virt_node = await self.virt.patch(NODES, virt_node, patch)
        self.world.virt["nodes"].put_written(virt_node)

    async def _remove(self, node: str, virt_node: Obj | None) -> None:
        port = self.ports.pop(node, None)
        self.addresses.pop(node, None)
        if port is not None:
            await self.endpoint.close(port)
        if virt_node is not None and not is_deleting(virt_node) and not _harmless(virt_node):
            try:
                await self.virt.delete(NODES, virt_node)
            except NotFound:
                return
            log.info("deleted", kind="nodes", virt_name=node)

    # --- from stores to keys

    def _virt_node_changed(self, change: Change) -> Iterator[Request]:
        yield Request(Key("nodes", *ref_of(change.obj)), backlog=change.initial)

    def _host_node_changed(self, change: Change) -> Iterator[Request]:
        # Never behind a backlog: pods are bound to nodes.
        yield Request(Key("nodes", *ref_of(change.obj)))

    def _virt_pod_changed(self, change: Change) -> Iterator[Request]:
        if change.new is None:
            yield from _left(change.obj)

    def _host_pod_changed(self, change: Change) -> Iterator[Request]:
        if twin_key("pods", change) is None:
            return
        if change.new is None:
            yield from _left(change.obj)
        elif (key := self.learn(change.new)) is not None:
            yield Request(key)


def _left(pod: Obj) -> Iterator[Request]:
    node = pod["spec"].get("nodeName")
    if node:
        # Later: a rolling update would remove the node and make it again.
        yield Request(Key("nodes", "", node), after=SAFETY_NET)


def _harmless(virt_node: Obj) -> bool:
    """Tell whether a node is the tenant's own, for whatever purpose, and cannot be dialed.

    One with an address is a way to make the API server dial it, or the node of an agent that joined
    with a guessed token (threats H1, H6).
    """
    addresses = (virt_node.get("status") or {}).get("addresses")
    return not annotation(virt_node, translate.FROM_HOST) and not addresses


def _difference(have: Obj, want: Obj) -> Obj:
    """Return the patch for what is not status."""
    patch: Obj = {}
    meta: Obj = {}
    have_meta = have["metadata"]
    if labels := merge_patch(have_meta.get("labels") or {}, want["metadata"]["labels"]):
        meta["labels"] = labels
    wanted = want["metadata"]["annotations"]
    if not covers(have_meta.get("annotations") or {}, wanted):
        meta["annotations"] = wanted
    spec = have.get("spec") or {}
    changes: Obj = {}
    if (spec.get("taints") or []) != want["spec"]["taints"]:
        changes["taints"] = want["spec"]["taints"] or None
    if bool(spec.get("unschedulable")) != want["spec"]["unschedulable"]:
        changes["unschedulable"] = want["spec"]["unschedulable"] or None
    if changes:
        patch["spec"] = changes
        # The list of taints is one value, and others write it too: never from an old state.
        meta["resourceVersion"] = have_meta["resourceVersion"]
    if meta:
        patch["metadata"] = meta
    return patch


def _status_difference(have_node: Obj, want: Obj) -> Obj:
    have = have_node.get("status") or {}
    patch: Obj = {
        field: value
        for field, value in want.items()
        if field not in ("allocatable", "capacity", "conditions")
        and not covers(have.get(field), value)
    }
    for field in ("allocatable", "capacity"):
        if changes := merge_patch(have.get(field) or {}, want[field]):
            patch[field] = changes
    if translate.timeless(have.get("conditions")) != translate.timeless(want["conditions"]):
        patch["conditions"] = want["conditions"]
    return patch
