"""Every limit of the endpoint, with the precedent it follows. Tests pass smaller ones."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

from syncer.kubelet.errors import Overloaded

CHUNK = 64 * 1024  # one read; asyncio's own StreamReader limit
MAX_HEAD = 1024 * 1024  # net/http's DefaultMaxHeaderBytes, and the kubelet's: long exec commands
MAX_ERROR_BODY = 1024 * 1024  # a Status of the host; real ones stay under 2 KiB
MAX_EARLY = 256 * 1024  # what a client may send before its answer; no known client sends any


class Limits(NamedTuple):
    """Seconds and counts."""

    streams: int = 1000  # of all nodes; each takes two file descriptors and 0.1 MiB
    spare_connections: int = 200  # over `streams`: kept-alive and not yet authenticated ones
    handshake: float = 10.0  # the API server's own TLS dial timeout is 10 s
    head: float = 10.0  # from the first byte of a request to its last
    idle: float = 90.0  # http.DefaultTransport's and the kubelet's keep-alive
    host_connect: float = 10.0
    # A kubelet answers an upgrade only when the container runtime has; busy nodes take seconds.
    host_answer: float = 60.0
    # No byte either way: the kubelet's streamingConnectionIdleTimeout. kubectl pings every 5 s, so
    # this ends only streams whose other ends are stuck.
    stall: float = 4 * 3600.0
    flush: float = 30.0  # for what is still buffered when one side of a stream has ended


class Slots:
    """Counts open streams and refuses the one too many."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.taken = 0

    @contextlib.contextmanager
    def take(self) -> Iterator[None]:
        """Hold one slot; raises Overloaded when none is left."""
        if self.taken >= self._limit:
            raise Overloaded(f"{self._limit} streams are open already; close some and retry")
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1
