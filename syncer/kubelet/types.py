"""What the kubelet endpoint asks of the rest of the syncer, and the requests it knows.

Everything here is data or an interface: the endpoint holds no object of the engine.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol

from syncer.kubelet.limits import Limits

Subresource = Literal["exec", "attach", "portforward"]
Pairs = tuple[tuple[str, str], ...]  # a query for the host API, in its own words
Headers = list[tuple[bytes, bytes]]
TlsProvider = Callable[[], ssl.SSLContext]
Callers = Callable[[bytes | None], bool]
"""Says whether a client certificate (DER), whose key the handshake has proved, may ask anything."""


class HostPod(NamedTuple):
    """The host pod behind a virtual one.

    `containers` are the names of containers, init containers and ephemeral containers of the
    *virtual* spec: what a host webhook injected must not be reachable.
    """

    host_namespace: str
    host_name: str
    host_uid: str
    virt_uid: str
    containers: frozenset[str]


class Lookup(Protocol):
    """Finds host pods by virtual name."""

    def find(self, virt_namespace: str, virt_name: str) -> HostPod | None:
        """Return the marked host pod of exactly this virtual pod, or None."""
        ...


class HostApi(Protocol):
    """How the host's API server is reached."""

    @property
    def host(self) -> str:
        """Name or address, as in its certificate; IPv6 without brackets."""
        ...

    @property
    def port(self) -> int:
        """Its port."""
        ...

    @property
    def tls(self) -> ssl.SSLContext:
        """Verifies the server; must offer no protocol but http/1.1 by ALPN (none is fine)."""
        ...

    async def bearer(self) -> str:
        """Return a token that is valid now (projected tokens change on disk)."""
        ...


class Endpoint(Protocol):
    """What listens for the API server in place of a kubelet."""

    async def listen(self, port: int, node_name: str) -> int:
        """Serve the node on 127.0.0.1:port; return the port."""
        ...

    async def close(self, port: int) -> None:
        """Stop serving on the port."""
        ...


class Service(NamedTuple):
    """What the handlers work with."""

    lookup: Lookup
    host_api: HostApi
    limits: Limits


class PodRef(NamedTuple):
    """The pod that a request names, in virtual names; `virt_uid` only when the path has it."""

    virt_namespace: str
    virt_name: str
    virt_uid: str | None


class Logs(NamedTuple):
    """GET /containerLogs/{namespace}/{pod}/{container}."""

    pod: PodRef
    container: str
    query: Pairs


class Stream(NamedTuple):
    """A request for exec, attach or port-forward; only the last has no container."""

    subresource: Subresource
    pod: PodRef
    container: str | None
    query: Pairs


class Health(NamedTuple):
    """GET /healthz."""


Request = Logs | Stream | Health
