"""No byte is lost when a connection ends, whatever the other way is doing.

The neighbours here are plain blocking sockets in threads: they close like Go programs do, without
waiting for anybody, which resets the connection when unread data is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from syncer.kubelet.tls_stream import TlsStream
from tests.unit.kubelet_fakes import (
    EXEC,
    KUBELET_HOST,
    SPDY,
    Caller,
    Endpoint,
    on_both_loops,
    until,
)
from tests.unit.kubelet_pki import load, make_ca, make_leaf

pytestmark = pytest.mark.timeout(30)
DATA = os.urandom(4 * 1024 * 1024)
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n"
CA = make_ca("kubernetes")


@contextlib.contextmanager
def blocking_host(endpoint: Endpoint, script: Callable[[ssl.SSLSocket], None]) -> Iterator[None]:
    """Put a host in a thread: after its 101 it runs the script, then closes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    load(context, make_leaf(CA, ["api"], [], ExtendedKeyUsageOID.SERVER_AUTH, "localhost"))
    listening = socket.create_server(("localhost", 0))

    def serve() -> None:
        with context.wrap_socket(
            listening.accept()[0], server_side=True, suppress_ragged_eofs=False
        ) as peer:
            read_head(peer)
            peer.sendall(SWITCH)
            script(peer)

    thread = threading.Thread(target=serve)
    thread.start()
    endpoint.api.tls = ssl.create_default_context(cadata=CA.cert_pem.decode())
    endpoint.api.port = listening.getsockname()[1]
    try:
        yield
    finally:
        thread.join()
        listening.close()


def blocking_client(endpoint: Endpoint) -> ssl.SSLSocket:
    """Open a stream from a thread, up to and with the 101."""
    context = ssl.create_default_context(cadata=endpoint.server_ca.cert_pem.decode())
    load(context, endpoint.api_server)
    plain = socket.create_connection(("127.0.0.1", endpoint.port))
    peer = context.wrap_socket(plain, server_hostname=KUBELET_HOST, suppress_ragged_eofs=False)
    lines = [f"POST {EXEC} HTTP/1.1", "Host: a", *(": ".join(pair) for pair in SPDY)]
    peer.sendall("\r\n".join([*lines, "", ""]).encode())
    assert read_head(peer).startswith(b"HTTP/1.1 101 ")
    return peer


def read_head(peer: ssl.SSLSocket) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += peer.recv(1)
    return head


def read_slowly(peer: ssl.SSLSocket) -> bytes:
    time.sleep(0.5)
    got = b""
    while data := peer.recv(16384):
        got += data
    return got


@on_both_loops
async def test_last_bytes_of_the_host_arrive_at_a_slow_client() -> None:
    def client(endpoint: Endpoint) -> bytes:
        with blocking_client(endpoint) as peer:
            return read_slowly(peer)

    async with Endpoint() as endpoint:
        with blocking_host(endpoint, lambda peer: peer.sendall(DATA)):
            assert await asyncio.to_thread(client, endpoint) == DATA


@on_both_loops
async def test_last_bytes_of_the_client_arrive_at_a_slow_host_that_sends_itself() -> None:
    """What the host still sends to a client that has gone must not reset the connection."""
    got = []
    ended = threading.Event()

    def host(peer: ssl.SSLSocket) -> None:
        time.sleep(0.5)
        while data := peer.recv(16384):
            got.append(data)
            peer.sendall(b"z" * 100)
        ended.set()

    async with Endpoint() as endpoint:
        with blocking_host(endpoint, host):
            caller = await endpoint.call()
            await caller.send("POST", EXEC, *SPDY)
            await caller.upgraded()
            await caller.raw(DATA)
            await caller.close()
            await until(ended.is_set)
    assert b"".join(got) == DATA


@on_both_loops
async def test_last_words_of_the_host_arrive_though_the_client_still_sends() -> None:
    """`kubectl exec -i … head -1 < big`: the exit status comes while input is on its way."""

    def host(peer: ssl.SSLSocket) -> None:
        size = 0
        while size < 300_000:
            size += len(peer.recv(16384))
        peer.sendall(b"exit status")

    async def push(caller: Caller) -> None:
        with contextlib.suppress(OSError):
            while True:
                await caller.raw(b"y" * 65536)
                await asyncio.sleep(0)

    async with Endpoint() as endpoint:
        for _ in range(10):
            with blocking_host(endpoint, host):
                caller = await endpoint.call()
                await caller.send("POST", EXEC, *SPDY)
                _, got = await caller.upgraded()
                pushing = asyncio.create_task(push(caller))
                with contextlib.suppress(OSError):
                    while data := await caller.reader.read(16384):
                        got += data
                pushing.cancel()
                caller.writer.transport.abort()
                assert got == b"exit status"


@contextlib.asynccontextmanager
async def pair() -> AsyncIterator[tuple[TlsStream, TlsStream]]:
    """Two ends of one connection, the client's and the server's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    load(context, make_leaf(CA, ["api"], [], ExtendedKeyUsageOID.SERVER_AUTH, "localhost"))
    trust = ssl.create_default_context(cadata=CA.cert_pem.decode())
    with socket.create_server(("localhost", 0)) as listening:
        listening.settimeout(0)
        port = listening.getsockname()[1]
        connecting = asyncio.create_task(TlsStream.connect("localhost", port, trust))
        sock, _ = await asyncio.get_running_loop().sock_accept(listening)
        server = TlsStream(sock, context)
        await server.handshake()
        client = await connecting
        try:
            yield client, server
        finally:
            await client.aclose()
            await server.aclose()


@on_both_loops
async def test_cancelled_read_leaves_its_bytes_to_the_next() -> None:
    async with pair() as (client, server):
        for number in range(200):
            reading = asyncio.create_task(client.read())
            await asyncio.sleep(0)
            await server.write(b"%d" % number)
            await asyncio.sleep(0 if number % 2 else 0.001)
            reading.cancel()
            await asyncio.wait({reading})
            got = b"" if reading.cancelled() else reading.result()
            assert (got or await client.read()) == b"%d" % number


@on_both_loops
async def test_end_is_told_again_and_again() -> None:
    async with pair() as (client, server):
        await server.write(b"last")
        ending = asyncio.create_task(server.finish(5))
        got = b""
        while data := await client.read():
            got += data
        assert got == b"last"
        assert await client.read() == b""
        await client.aclose()
        await ending


async def forever(stream: TlsStream) -> None:
    while True:
        await stream.write(b"x" * 65536)


@on_both_loops
async def test_cut_connection_ends_reads_and_fails_writes() -> None:
    async with pair() as (client, server):
        await server.aclose()
        assert await client.read() == b""
        with pytest.raises(OSError):  # noqa: PT011 (reset, broken pipe or our own, as it comes)
            await forever(client)
        await client.aclose()
        await client.finish(1)


@on_both_loops
async def test_cancelled_write_makes_the_stream_unwritable() -> None:
    """Half a TLS record is out: anything after it would be garbage."""
    async with pair() as (client, _):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(forever(client), 0.3)
        with pytest.raises(ConnectionAbortedError):
            await client.write(b"y")
        await client.finish(5)


@on_both_loops
async def test_polite_end_gives_up_on_a_peer_that_never_reads() -> None:
    async with pair() as (client, _):
        started = time.monotonic()
        await client.finish(0.3)
        assert time.monotonic() - started < 3


@on_both_loops
async def test_server_of_another_name_is_not_trusted() -> None:
    async with Endpoint() as endpoint:
        with pytest.raises(ssl.SSLCertVerificationError):
            await TlsStream.connect("127.0.0.1", endpoint.api.port, endpoint.api.tls)
        with pytest.raises(OSError, match=r"refused|failed"):
            await TlsStream.connect("localhost", 1, endpoint.api.tls)
