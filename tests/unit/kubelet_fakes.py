"""The kubelet endpoint between its two neighbours, over real TLS sockets on loopback.

`Endpoint` puts them together: the certificate authorities of a virtual cluster, a host API that
answers by script, and callers like the virtual cluster's API server.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import ssl
import tempfile
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import h11
import pytest
import uvloop
from cryptography.x509.oid import ExtendedKeyUsageOID

from syncer.kubelet import ApiServerKey, HostPod, KubeletServer, Limits, ServingTls
from tests.unit.kubelet_host import FakeHost, read_head, read_message
from tests.unit.kubelet_pki import (
    Pair,
    load,
    make_ca,
    make_leaf,
    write_api_server,
    write_tls_dir,
)

KUBELET_HOST = "kubelet.virtualcluster.internal"
HOST_POD = HostPod(
    host_namespace="team-x",
    host_name="web-x-default-x-vc",
    host_uid="aaaaaaaa-0000-4000-8000-000000000001",
    virt_uid="bbbbbbbb-0000-4000-8000-000000000002",
    containers=frozenset({"main", "init"}),
)


@dataclass
class FakeLookup:
    """The engine's answer to: which host pod is this?"""

    pods: dict[tuple[str, str], HostPod] = field(
        default_factory=lambda: {("default", "web"): HOST_POD}
    )
    asked: int = 0
    defect: Exception | None = None

    def find(self, virt_namespace: str, virt_name: str) -> HostPod | None:
        self.asked += 1
        if self.defect is not None:
            raise self.defect
        return self.pods.get((virt_namespace, virt_name))


@dataclass
class FakeHostApi:
    """Where the fake host is, with a token that changes like a projected one."""

    port: int
    tls: ssl.SSLContext
    host: str = "localhost"
    reads: int = 0

    async def bearer(self) -> str:
        self.reads += 1
        return f"syncer-token-{self.reads}"


@dataclass
class Caller:
    """A client connection to the endpoint, as the API server opens it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    http: h11.Connection = field(default_factory=lambda: h11.Connection(h11.CLIENT))

    async def send(
        self, method: str, target: str, *headers: tuple[str, str], then: bytes = b""
    ) -> None:
        """Send a request, and raw bytes in the same segment."""
        head = h11.Request(method=method, target=target, headers=[("Host", "node"), *headers])
        data = (self.http.send(head) or b"") + (self.http.send(h11.EndOfMessage()) or b"")
        await self.raw(data + then)

    async def raw(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> tuple[int, bytes]:
        head, body = await read_message(self.http, self.reader)
        return head.status_code, body

    async def ask(self, method: str, target: str, *headers: tuple[str, str]) -> tuple[int, bytes]:
        await self.send(method, target, *headers)
        return await self.answer()

    async def upgraded(self) -> tuple[dict[str, str], bytes]:
        """Return the headers of the 101 that must come, and what came with it."""
        head = await read_head(self.http, self.reader)
        assert isinstance(head, h11.InformationalResponse), head
        assert head.status_code == 101
        return {k.decode(): v.decode() for k, v in head.headers}, self.http.trailing_data[0]

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


class Endpoint:
    """The KubeletServer between a fake host and any number of callers."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.host = FakeHost()
        self.lookup = FakeLookup()
        self.server_ca = make_ca("k3s-server-ca")
        self.client_ca = make_ca("k3s-client-ca")
        self._limits = limits or Limits()
        self._stack = contextlib.AsyncExitStack()
        self.server: KubeletServer
        self.tls_dir: Path
        self.api_server: Pair
        self.api: FakeHostApi
        self.port = 0

    async def __aenter__(self) -> Self:
        host_ca = make_ca("kubernetes")
        host_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        load(
            host_tls, make_leaf(host_ca, ["api"], [], ExtendedKeyUsageOID.SERVER_AUTH, "localhost")
        )
        trust = ssl.create_default_context(cadata=host_ca.cert_pem.decode())
        self.api = FakeHostApi(
            await self._stack.enter_async_context(self.host.serve(host_tls)), trust
        )
        self.tls_dir = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        write_tls_dir(self.tls_dir, self.server_ca, self.client_ca)
        self.api_server = write_api_server(self.tls_dir, self.client_ca)
        tls, callers = ServingTls(self.tls_dir, [KUBELET_HOST]), ApiServerKey(self.tls_dir)
        self.server = KubeletServer(tls, callers, self.lookup, self.api, self._limits)
        self._stack.push_async_callback(self.server.aclose)
        self.port = await self.server.listen(0, "node-a")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def call(self, client: Pair | None = None, *, anonymous: bool = False) -> Caller:
        """Connect as the API server, with another certificate, or with none.

        Up to TLS 1.2 a refused certificate is told in the handshake, later only by the first read.
        """
        context = ssl.create_default_context(cadata=self.server_ca.cert_pem.decode())
        if anonymous or client:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        if not anonymous:
            load(context, client or self.api_server)
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=context, server_hostname=KUBELET_HOST
        )
        caller = Caller(reader, writer)
        self._stack.push_async_callback(caller.close)
        return caller


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what has no event of its own; the test's time limit ends it."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.01)


def on_both_loops(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test under asyncio's own loop and under uvloop; it goes below `parametrize`."""

    def both(*, run: Callable[[Coroutine[Any, Any, None]], None], **arguments: Any) -> None:
        run(test(**arguments))

    functools.update_wrapper(both, test)
    own = inspect.signature(test)
    run = inspect.Parameter("run", inspect.Parameter.KEYWORD_ONLY)
    both.__signature__ = own.replace(parameters=[*own.parameters.values(), run])  # type: ignore[attr-defined]
    loops = pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
    decorated: Callable[..., None] = loops(both)
    return decorated


SPDY = (
    ("Connection", "Upgrade"),
    ("Upgrade", "SPDY/3.1"),
    ("X-Stream-Protocol-Version", "v4.channel.k8s.io"),
)
WEBSOCKET = (
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Protocol", "v4.channel.k8s.io"),
)
EXEC = "/exec/default/web/main?command=cat&input=1&output=1"
LOGS = "/containerLogs/default/web/main"
