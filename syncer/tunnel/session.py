"""One session: the connections that the API server has through one open tunnel."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NamedTuple

import structlog

from syncer.tunnel.messages import Kind, Message, decode, encode

log = structlog.get_logger()
CHUNK = (
    32 * 1024
)  # what Go copies at a time, so that the other side's buffers hold what they expect
WAITING = 64  # chunks that a slow reader may have before it
# k3s gives a write 10 s before it drops the whole tunnel: one stuck reader must not get that far.
STUCK = 5.0
LOOPBACK = "127.0.0.1"


class _Connection(NamedTuple):
    inbox: asyncio.Queue[bytes]
    """What is to be written; nothing is the end."""
    task: asyncio.Task[None]


class Session:
    """Dials the ports that `allowed` names, on loopback, and passes bytes both ways.

    `send` takes whole frames. The connections end with the block of their task group.
    """

    def __init__(
        self,
        send: Callable[[bytes], Awaitable[None]],
        allowed: Callable[[int], bool],
        tasks: asyncio.TaskGroup,
        stuck: float = STUCK,
    ) -> None:
        self._send = send
        self._allowed = allowed
        self._tasks = tasks
        self._stuck = stuck
        self._numbers = itertools.count(1)
        self._connections: dict[int, _Connection] = {}

    @property
    def connections(self) -> int:
        """How many connections there are."""
        return len(self._connections)

    async def receive(self, frame: bytes) -> None:
        """Take one frame; raise BadMessage for what is none."""
        message = decode(frame)
        number = message.connection
        if message.kind == Kind.CONNECT:
            inbox: asyncio.Queue[bytes] = asyncio.Queue(WAITING)
            task = self._tasks.create_task(self._serve(message, inbox))
            self._connections[number] = _Connection(inbox, task)
            return
        connection = self._connections.get(number)
        if message.kind == Kind.DATA and connection is None:
            await self._end(number, "connection not found")
        elif message.kind == Kind.DATA and connection is not None and message.content:
            if not await _deliver(connection, message.content, self._stuck):
                log.warning("tunnel connection stalled", connection=number)
                await self._end(number, "backed up reader")
        elif message.kind == Kind.ERROR and connection is not None:
            del self._connections[number]
            await _deliver(connection, b"", self._stuck)

    async def _serve(self, message: Message, inbox: asyncio.Queue[bytes]) -> None:
        port = _port(message.content)
        try:
            if port is None or not self._allowed(port):
                raise ConnectionRefusedError("not the port of a virtual node's kubelet")
            async with asyncio.timeout(message.milliseconds / 1000 or None):
                reader, writer = await asyncio.open_connection(LOOPBACK, port)
        except (OSError, TimeoutError) as error:
            await self._end(message.connection, str(error) or "timeout")
            return
        feeding = asyncio.create_task(_feed(inbox, writer))
        try:
            while chunk := await _read(reader):
                await self._tell(Message(message.connection, Kind.DATA, chunk))
            await self._end(message.connection, "EOF")
        except asyncio.CancelledError:
            writer.transport.abort()  # whoever does not read would never take what is left
            raise
        finally:
            feeding.cancel()
            writer.close()

    async def _end(self, connection: int, reason: str) -> None:
        """Tell that a connection is over; `EOF` is a good end."""
        self._connections.pop(connection, None)
        await self._tell(Message(connection, Kind.ERROR, reason.encode()[:100]))

    async def _tell(self, message: Message) -> None:
        await self._send(encode(next(self._numbers), message))


async def _deliver(connection: _Connection, content: bytes, stuck: float) -> bool:
    """Queue what came; end a connection that does not take it in time, and return False."""
    try:
        async with asyncio.timeout(stuck):
            await connection.inbox.put(content)
    except TimeoutError:
        connection.task.cancel()
        return False
    return True


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(CHUNK)
    except OSError:
        return b""


async def _feed(inbox: asyncio.Queue[bytes], writer: asyncio.StreamWriter) -> None:
    """Write what comes, until the end: then the other direction ends too."""
    with suppress(OSError):
        while chunk := await inbox.get():
            writer.write(chunk)
            await writer.drain()
    writer.close()


def _port(address: bytes) -> int | None:
    """Return the port of `tcp/127.0.0.1:10350`; None for anything else."""
    network, _, place = address.decode(errors="replace").partition("/")
    host, _, port = place.rpartition(":")
    if network != "tcp" or host != LOOPBACK or not port.isdecimal():
        return None
    return int(port)
