"""Serves the virtual nodes' kubelet ports on a replica that does not lead.

Each replica's API server dials kubelets in its own pod, so that `kubectl logs` and `exec` must be
answered there, whoever leads. The leader decides which node has which port and writes it into the
node; here the nodes are read.
"""

from __future__ import annotations

import asyncio

import structlog

from syncer.kube.objects import annotation
from syncer.kube.store import Store
from syncer.kubelet import Endpoint
from syncer.translate.nodes import FIRST_PORT, FROM_HOST, port_of

log = structlog.get_logger()
AGAIN = 2.0  # seconds, after a port could not be opened


def ports(virt_nodes: Store) -> dict[str, int]:
    """Return which node is to be served on which port; those of a tenant's own are not."""
    return {
        node["metadata"]["name"]: port
        for node in virt_nodes
        if annotation(node, FROM_HOST) and FIRST_PORT <= (port := port_of(node)) < 1 << 16
    }


class Follower:
    """Keeps the endpoint in line with the nodes; `served` is by node, and outlives `run`."""

    def __init__(self, virt_nodes: Store, endpoint: Endpoint) -> None:
        self.served: dict[str, int] = {}
        self._nodes = virt_nodes
        self._endpoint = endpoint
        self._changed = asyncio.Event()
        virt_nodes.listen(lambda *_: self._changed.set())

    async def run(self) -> None:
        """Follow the nodes until cancelled, which leaves what is served as it is."""
        while True:
            self._changed.clear()
            try:
                await self._step(ports(self._nodes))
            except OSError as error:
                log.warning("kubelet port unavailable", error=str(error))
                await asyncio.sleep(AGAIN)
            else:
                await self._changed.wait()

    async def _step(self, wanted: dict[str, int]) -> None:
        for node, port in list(self.served.items()):
            if wanted.get(node) != port:
                del self.served[node]
                await self._endpoint.close(port)
        for node, port in wanted.items():
            if node not in self.served and port not in self.served.values():
                await self._endpoint.listen(port, node)
                self.served[node] = port
