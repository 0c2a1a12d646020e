"""Virtual nodes without rights on real ones: one for each host node that runs a pod of ours.

What the pods tell is all that is known: the node's name, its address, the host's version. The
kubelet behind each is our own endpoint, dialed under the name in `Hostname` (design §8), on a port
of the node's own on loopback.
"""

from __future__ import annotations

import asyncio
import platform
import time
from typing import Any, Protocol

import structlog

from syncer.client import Client
from syncer.errors import AlreadyExists, NotFound
from syncer.objects import Key, Obj, covers, is_deleting
from syncer.resources import NODES
from syncer.world import World

log = structlog.get_logger()
FIRST_PORT = 10350
READY_CONDITIONS = (
    ("Ready", "True", "KubeletReady"),
    ("MemoryPressure", "False", "KubeletHasSufficientMemory"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID"),
)


class Endpoint(Protocol):
    """What listens for the API server in place of a kubelet."""

    async def listen(self, port: int, node_name: str) -> int:
        """Serve the node on 127.0.0.1:port; return the port."""
        ...

    async def close(self, port: int) -> None:
        """Stop serving on the port."""
        ...


class Nodes:
    """Keeps the virtual nodes; `own_node` is the one that the syncer itself runs on."""

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
    ) -> None:
        self.world = world
        self.virt = virt
        self.endpoint = endpoint
        self.kubelet_host = kubelet_host
        self.kubelet_version = kubelet_version
        self.own_node = own_node
        self.addresses = {own_node: own_address}
        self.ports: dict[str, int] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def ensure(self, node: str) -> None:
        """Return once the virtual node exists, so that a pod can be bound to it."""
        if self.world.virt["nodes"].get("", node) is None:
            await self.reconcile(Key("nodes", "", node))

    async def reconcile(self, key: Key) -> None:
        """Create, repair or remove one virtual node."""
        async with self._locks.setdefault(key.name, asyncio.Lock()):
            virt_node = self.world.virt["nodes"].get("", key.name)
            if not self._wanted(key.name):
                await self._remove(key.name, virt_node)
                return
            await self._listen(key.name, virt_node)
            if virt_node is None:
                try:
                    virt_node = await self.virt.create(NODES, "", self._new(key.name))
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
        """Tell whether a pod of either side is on the node.

        A virtual pod counts: the virtual cluster's garbage collector ends pods of missing nodes.
        """
        return node == self.own_node or any(
            pod["spec"].get("nodeName") == node
            for store in (self.world.host["pods"], self.world.virt["pods"])
            for pod in store
        )

    async def _listen(self, node: str, virt_node: Obj | None) -> None:
        if node in self.ports:
            return
        taken = set(self.ports.values())
        # The port that the node had before a restart, since the API server may hold it cached.
        port = _port(virt_node) if virt_node is not None else 0
        if port < FIRST_PORT or port in taken:
            others = {_port(each) for each in self.world.virt["nodes"]}
            port = next(p for p in range(FIRST_PORT, 65536) if p not in taken | others)
        self.ports[node] = port  # at once, so that no other node takes it meanwhile
        try:
            await self.endpoint.listen(port, node)
        except OSError:
            del self.ports[node]
            raise

    def _labels(self, node: str) -> dict[str, str]:
        arch = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
        return {
            "kubernetes.io/hostname": node,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": arch,
        }

    def _new(self, node: str) -> Obj:
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": node, "labels": self._labels(node)},
            "spec": {},
            "status": self._status(node, None),
        }

    def _status(self, node: str, virt_node: Obj | None) -> Obj:
        addresses = [{"type": "Hostname", "address": self.kubelet_host}]
        if self.addresses.get(node):
            addresses.insert(0, {"type": "InternalIP", "address": self.addresses[node]})
        labels = self._labels(node)
        info: dict[str, Any] = dict.fromkeys(
            (
                "bootID",
                "containerRuntimeVersion",
                "kernelVersion",
                "kubeProxyVersion",
                "machineID",
                "osImage",
                "systemUUID",
            ),
            "",
        )
        have = ((virt_node or {}).get("status") or {}).get("conditions") or ()
        since = {
            (each["type"], each.get("status")): each.get("lastTransitionTime") for each in have
        }
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        conditions = [
            {
                "type": kind,
                "status": value,
                "reason": reason,
                "lastTransitionTime": since.get((kind, value)) or now,
            }
            for kind, value, reason in READY_CONDITIONS
        ]
        return {
            "addresses": addresses,
            "conditions": conditions,
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self.ports[node]}},
            "nodeInfo": {
                **info,
                "architecture": labels["kubernetes.io/arch"],
                "operatingSystem": "linux",
                "kubeletVersion": self.kubelet_version,
            },
        }

    async def _repair(self, node: str, virt_node: Obj) -> None:
        """Undo what the API's admission or the tenant did to the node (threats H1)."""
        patch: Obj = {}
        labels = virt_node["metadata"].get("labels") or {}
        wrong = {k: v for k, v in self._labels(node).items() if labels.get(k) != v}
        if wrong:
            patch["metadata"] = {"labels": wrong}
        # Admission taints a new node as not ready; nobody but us could take that off again.
        taints = virt_node["spec"].get("taints") or []
        kept = [each for each in taints if not each["key"].startswith("node.kubernetes.io/not-r")]
        if kept != taints:
            patch["spec"] = {"taints": kept or None}
        if patch:
            virt_node = await self.virt.patch(NODES, virt_node, patch)
        status = self._status(node, virt_node)
        if not covers(virt_node.get("status"), status):
            virt_node = await self.virt.patch(
                NODES, virt_node, {"status": status}, subresource="status"
            )
        self.world.virt["nodes"].put_written(virt_node)

    async def _remove(self, node: str, virt_node: Obj | None) -> None:
        port = self.ports.pop(node, None)
        self.addresses.pop(node, None)
        if port is not None:
            await self.endpoint.close(port)
        if virt_node is not None and not is_deleting(virt_node):
            try:
                await self.virt.delete(NODES, virt_node)
            except NotFound:
                return
            log.info("deleted", kind="nodes", virt_name=node)


def _port(virt_node: Obj) -> int:
    endpoints = (virt_node.get("status") or {}).get("daemonEndpoints") or {}
    return int((endpoints.get("kubeletEndpoint") or {}).get("Port") or 0)
