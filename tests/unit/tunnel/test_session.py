"""Connections through the tunnel: bytes both ways, ends, and what may be dialed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from syncer.tunnel.messages import Kind, Message, decode, encode
from syncer.tunnel.session import Session

pytestmark = pytest.mark.timeout(15)


class Tunnel:
    """The API server's side of a session with our port."""

    def __init__(self, tasks: asyncio.TaskGroup, port: int, stuck: float = 5.0) -> None:
        self.port = port
        self.used: set[int] = set()
        self.sent: asyncio.Queue[Message] = asyncio.Queue()
        self.session = Session(self._send, lambda asked: asked == port, tasks, stuck)

    async def _send(self, frame: bytes) -> None:
        self.sent.put_nowait(decode(frame))

    async def say(self, connection: int, kind: int, content: bytes = b"") -> None:
        self.used.add(connection)
        milliseconds = 15000 if kind == Kind.CONNECT else 0
        await self.session.receive(encode(7, Message(connection, kind, content, milliseconds)))

    async def connect(self, connection: int) -> None:
        await self.say(connection, Kind.CONNECT, f"tcp/127.0.0.1:{self.port}".encode())

    async def hears(self, connection: int, want: bytes) -> None:
        """Collect data until it is `want`."""
        got = b""
        while got != want:
            message = await self.sent.get()
            assert (message.connection, message.kind) == (connection, Kind.DATA), message
            got += message.content
            assert want.startswith(got)


class Listener:
    """Says every line back; after `bye`, ends; on `deaf`, reads no more."""

    def __init__(self) -> None:
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> int:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await self._server.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        while line := await reader.readline():
            if line == b"deaf\n":
                return
            writer.write(line)
            if line == b"bye\n":
                break
        writer.close()


@contextlib.asynccontextmanager
async def _tunnel(stuck: float = 5.0) -> AsyncIterator[Tunnel]:
    async with Listener() as port, asyncio.TaskGroup() as tasks:
        made = Tunnel(tasks, port, stuck)
        yield made
        for connection in list(made.used):
            await made.say(connection, Kind.ERROR, b"EOF")


@pytest.fixture
async def tunnel() -> AsyncIterator[Tunnel]:
    async with _tunnel() as made:
        yield made


async def test_bytes_go_both_ways_also_those_that_come_before_the_dial_is_done(
    tunnel: Tunnel,
) -> None:
    await tunnel.connect(2)
    await tunnel.say(2, Kind.DATA, b"one\n")
    await tunnel.hears(2, b"one\n")
    await tunnel.say(2, Kind.DATA, b"tw")
    await tunnel.say(2, Kind.DATA, b"o\n")
    await tunnel.hears(2, b"two\n")


async def test_connections_do_not_mix(tunnel: Tunnel) -> None:
    await tunnel.connect(2)
    await tunnel.connect(3)
    await tunnel.say(3, Kind.DATA, b"three\n")
    await tunnel.hears(3, b"three\n")
    await tunnel.say(2, Kind.DATA, b"two\n")
    await tunnel.hears(2, b"two\n")


async def test_the_end_at_our_side_is_told_after_the_last_byte(tunnel: Tunnel) -> None:
    await tunnel.connect(2)
    await tunnel.say(2, Kind.DATA, b"bye\n")
    await tunnel.hears(2, b"bye\n")
    assert await tunnel.sent.get() == Message(2, Kind.ERROR, b"EOF")
    assert tunnel.session.connections == 0


async def test_the_end_at_their_side_ends_ours_and_nothing_else(tunnel: Tunnel) -> None:
    await tunnel.connect(2)
    await tunnel.connect(3)
    await tunnel.say(2, Kind.ERROR, b"EOF")
    assert await tunnel.sent.get() == Message(2, Kind.ERROR, b"EOF")
    await tunnel.say(3, Kind.DATA, b"still here\n")
    await tunnel.hears(3, b"still here\n")


async def test_data_for_no_connection_is_answered(tunnel: Tunnel) -> None:
    await tunnel.say(9, Kind.DATA, b"x")
    assert await tunnel.sent.get() == Message(9, Kind.ERROR, b"connection not found")


@pytest.mark.parametrize("kind", [Kind.ERROR, 4, 5, 99])
async def test_what_an_agent_ignores(tunnel: Tunnel, kind: int) -> None:
    await tunnel.say(9, kind, b"x")
    assert tunnel.sent.empty()


@pytest.mark.parametrize(
    "address",
    ["tcp/127.0.0.1:1", "tcp/10.0.0.1:{port}", "unix/{port}", "udp/127.0.0.1:{port}", "tcp", ""],
)
async def test_only_the_ports_of_kubelets_are_dialed(tunnel: Tunnel, address: str) -> None:
    await tunnel.say(2, Kind.CONNECT, address.format(port=tunnel.port).encode())
    answer = await tunnel.sent.get()
    assert answer == Message(2, Kind.ERROR, b"not the port of a virtual node's kubelet")
    assert tunnel.session.connections == 0


async def test_a_port_where_nobody_listens_is_an_end_with_the_reason() -> None:
    async with Listener() as port:
        pass
    async with asyncio.TaskGroup() as tasks:
        tunnel = Tunnel(tasks, port)
        await tunnel.connect(2)
        answer = await tunnel.sent.get()
        assert answer.kind == Kind.ERROR
        assert b"Connect call failed" in answer.content


async def test_who_does_not_read_loses_the_connection_and_nobody_elses() -> None:
    async with _tunnel(stuck=0.05) as tunnel:
        await tunnel.connect(3)
        await tunnel.connect(2)
        await tunnel.say(2, Kind.DATA, b"deaf\n")
        chunk = bytes(256 * 1024)
        while tunnel.sent.empty():
            await tunnel.say(2, Kind.DATA, chunk)
        assert await tunnel.sent.get() == Message(2, Kind.ERROR, b"backed up reader")
        await tunnel.say(3, Kind.DATA, b"still here\n")
        await tunnel.hears(3, b"still here\n")
