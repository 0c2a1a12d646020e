"""The tunnel as a whole: who needs it, as whom it is opened, and that it is opened again."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from cryptography.x509.oid import ExtendedKeyUsageOID

from syncer.tunnel import Door, hold, needed
from syncer.tunnel.messages import Kind, Message, decode, encode
from tests.unit.kubelet_pki import make_ca, make_leaf

pytestmark = pytest.mark.timeout(20)
NODE = "kubelet.virtualcluster.internal"
CLIENTS, SERVERS = make_ca("k3s-client-ca"), make_ca("k3s-server-ca")


@pytest.mark.parametrize(
    ("version", "want"),
    [
        ("v1.16.13+k3s1", True),
        ("v1.16.0", True),
        ("v1.17.2+k3s1", True),
        ("v1.17.4+k3s1", False),
        ("v1.17.9+k3s1", False),
        ("v1.18.6+k3s1", False),
        ("v1.34.4+k3s1", False),
        ("v2.0.0", False),
        ("unknown", False),
    ],
)
def test_only_old_versions_need_it(version: str, *, want: bool) -> None:
    assert needed(version) is want


class Server:
    """k3s' side: takes tunnels of nodes, and dials through them."""

    def __init__(self) -> None:
        self.opened: asyncio.Queue[web.WebSocketResponse] = asyncio.Queue()
        self.subjects: list[dict[str, str]] = []
        self.received: asyncio.Queue[Message] = asyncio.Queue()
        self.sockets: list[web.WebSocketResponse] = []

    async def connect(self, request: web.Request) -> web.WebSocketResponse:
        certificate = request.transport and request.transport.get_extra_info("peercert")
        subject = certificate["subject"] if certificate else ()
        self.subjects.append({key: value for part in subject for key, value in part})
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        self.sockets.append(socket)
        self.opened.put_nowait(socket)
        async for message in socket:
            self.received.put_nowait(decode(message.data))
        return socket


@contextlib.asynccontextmanager
async def _k3s(directory: Path) -> AsyncIterator[tuple[Server, Door]]:
    leaf = make_leaf(SERVERS, ["k3s"], [], ExtendedKeyUsageOID.SERVER_AUTH, dns="localhost")
    (directory / "serving.pem").write_bytes(leaf.cert_pem + leaf.key_pem)
    (directory / "client-ca.crt").write_bytes(CLIENTS.cert_pem)
    (directory / "client-ca.key").write_bytes(CLIENTS.key_pem)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=CLIENTS.cert_pem.decode())
    tls.load_cert_chain(directory / "serving.pem")
    tls.verify_mode = ssl.CERT_OPTIONAL
    server, app = Server(), web.Application()
    app.router.add_get("/v1-k3s/connect", server.connect)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "localhost", 0, ssl_context=tls).start()
    port = runner.addresses[0][1]
    try:
        yield server, Door(f"https://localhost:{port}", SERVERS.cert_pem, directory, NODE)
    finally:
        for socket in server.sockets:
            await socket.close(code=aiohttp.WSCloseCode.GOING_AWAY)
        await runner.cleanup()


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(1024):
        writer.write(chunk)
    writer.close()


async def test_it_is_opened_as_the_dialed_node_and_again_when_it_is_lost(tmp_path: Path) -> None:
    kubelet = await asyncio.start_server(_echo, "127.0.0.1", 0)
    port = kubelet.sockets[0].getsockname()[1]
    async with kubelet, _k3s(tmp_path) as (server, door):
        holding = asyncio.create_task(hold(door, lambda asked: asked == port))
        for life in range(2):
            socket = await server.opened.get()
            address = f"tcp/127.0.0.1:{port}".encode()
            await socket.send_bytes(encode(1, Message(life, Kind.CONNECT, address, 15000)))
            await socket.send_bytes(encode(2, Message(life, Kind.DATA, b"over and back")))
            assert await server.received.get() == Message(life, Kind.DATA, b"over and back")
            await socket.close()
        holding.cancel()
        await asyncio.wait({holding})
    who = {"commonName": f"system:node:{NODE}", "organizationName": "system:nodes"}
    assert server.subjects == [who, who]


async def test_it_waits_for_a_server_that_is_not_there_yet(tmp_path: Path) -> None:
    async with _k3s(tmp_path) as (_, gone):
        pass
    holding = asyncio.create_task(hold(gone, lambda _: True))
    done, _ = await asyncio.wait({holding}, timeout=0.2)
    assert not done
    holding.cancel()
    await asyncio.wait({holding})
