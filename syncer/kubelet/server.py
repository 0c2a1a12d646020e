"""The kubelet endpoint: one loopback port per virtual node, all served the same way."""

from __future__ import annotations

import asyncio
import functools
import socket

import structlog

from syncer.kubelet.certs import CertificateError
from syncer.kubelet.connection import Connection
from syncer.kubelet.downstream import Downstream
from syncer.kubelet.limits import Limits, Slots
from syncer.kubelet.tls_stream import TlsStream
from syncer.kubelet.types import Callers, HostApi, Lookup, Service, TlsProvider

log = structlog.get_logger()
LOOPBACK = "127.0.0.1"
BACKLOG = 128
ACCEPT_PAUSE = 1.0  # asyncio's own pause when file descriptors have run out


class KubeletServer:
    """Serves the virtual cluster's API server; `listen` and `close` may be called at any time.

    `tls` and `callers` are asked for every connection, so what they return may change. Nothing is
    opened before the first `listen`; `aclose` ends everything.
    """

    def __init__(
        self,
        tls: TlsProvider,
        callers: Callers,
        lookup: Lookup,
        host_api: HostApi,
        limits: Limits | None = None,
    ) -> None:
        self._tls = tls
        self._callers = callers
        self._limits = limits or Limits()
        self._service = Service(lookup, host_api, self._limits)
        self._slots = Slots(self._limits.streams)
        self._connections = 0
        self._listeners: dict[int, asyncio.Task[None]] = {}

    @property
    def streams(self) -> int:
        """How many log and stream requests are being served."""
        return self._slots.taken

    def serves(self, port: int) -> bool:
        """Tell whether this port is one of a node's."""
        return port in self._listeners

    async def listen(self, port: int, node_name: str) -> int:
        """Accept connections for this node and return the port (0 takes a free one).

        Raises OSError when the port is taken.
        """
        listening = socket.create_server((LOOPBACK, port), backlog=BACKLOG)
        listening.settimeout(0)
        bound = int(listening.getsockname()[1])
        self._listeners[bound] = asyncio.create_task(
            self._accept(listening, node_name), name=f"kubelet-{bound}"
        )
        return bound

    async def close(self, port: int) -> None:
        """Stop listening on this port and end its connections; unknown ports are no error."""
        task = self._listeners.pop(port, None)
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def aclose(self) -> None:
        """Close all ports."""
        await asyncio.gather(*(self.close(port) for port in list(self._listeners)))

    async def _accept(self, listening: socket.socket, node: str) -> None:
        """Own all connections of one port: when this is cancelled, they are.

        asyncio.start_server would keep to the TLS context of its start, and hand over connections
        only after their handshake, too late to count them.
        """
        loop = asyncio.get_running_loop()
        with listening:
            async with asyncio.TaskGroup() as connections:
                while True:
                    try:
                        peer, _ = await loop.sock_accept(listening)
                    except OSError:
                        log.exception("accept failed", node=node)
                        await asyncio.sleep(ACCEPT_PAUSE)
                        continue
                    if self._connections >= self._limits.streams + self._limits.spare_connections:
                        peer.close()
                        continue
                    self._connections += 1
                    task = connections.create_task(self._serve(peer, node))
                    task.add_done_callback(functools.partial(self._release, peer))

    async def _serve(self, peer: socket.socket, node: str) -> None:
        """Serve one connection; whatever goes wrong in it stays in it."""
        try:
            stream = TlsStream(peer, self._tls())
            async with asyncio.timeout(self._limits.handshake):
                await stream.handshake()
            try:
                trusted = self._callers(stream.peer_certificate())
                down = Downstream(stream, self._limits)
                await Connection(down, self._service, self._slots, node, trusted=trusted).serve()
                await stream.finish(self._limits.flush)
            finally:
                await stream.aclose()
        except CertificateError as error:
            log.error("no serving certificate", node=node, reason=str(error))  # noqa: TRY400
        except OSError as error:
            # Anybody in this pod can connect without a certificate: that is worth no more.
            log.debug("connection failed", node=node, error=type(error).__name__)
        except Exception as error:
            log.exception("connection crashed", node=node, error=type(error).__name__)

    def _release(self, peer: socket.socket, _: asyncio.Task[None]) -> None:
        """Forget a connection, also one whose task was cancelled before it began."""
        peer.close()
        self._connections -= 1
