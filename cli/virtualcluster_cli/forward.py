"""A local port that leads to a port of a pod, each connection by a port-forward of its own.

So it outlives the pod: what is accepted while the pod is away waits for the next pod of that name,
for a minute. `kubectl port-forward` ends with its pod, and carries all connections over one, which
one broken connection can end.

What the client says first is kept until the pod has said something: a pod whose port is not open
yet takes the bytes and reports an error afterwards, and then they are sent again. In TLS the client
speaks first and nothing has happened before the server's answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import aiohttp

from virtualcluster_cli import websockets
from virtualcluster_cli.access import Access
from virtualcluster_cli.api import settings

DATA, ERROR = 0, 1  # channels; what comes first on each is the port's number, in two bytes
BLOCK = 1 << 16
PATIENCE = 60.0  # seconds that a connection waits for the pod: it restarts in half of that
PAUSE = 0.3  # seconds between two tries
FIRST_WORDS = 1 << 18  # bytes kept for another try: a ClientHello has less than two kilobytes


class Target(NamedTuple):
    """A port of a pod."""

    namespace: str
    pod: str
    port: int


class Forward:
    """Carries connections to one target until it is cancelled."""

    def __init__(self, access: Access, target: Target, patience: float = PATIENCE) -> None:
        self._access = access
        self._target = target
        self._patience = patience
        self._settings: Any = None
        self._carrying: set[asyncio.Task[Any]] = set()

    async def serve(self, listening: socket.socket, end: asyncio.Event) -> None:
        """Accept on a socket that listens, until `end`."""
        server = await asyncio.start_server(self._accepted, sock=listening)
        try:
            await end.wait()
        finally:
            server.close()
            for task in list(self._carrying):
                task.cancel()
            await asyncio.gather(*self._carrying, return_exceptions=True)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._answer(reader, writer))
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)
        # Not by the task itself, which may be cancelled before it has begun.
        task.add_done_callback(lambda _: writer.close())

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(self._patience) as patience:
                await self._carry(_Client(reader, writer), patience)
        except (aiohttp.ClientError, OSError, TimeoutError):
            pass  # the client sees its connection end

    async def _carry(self, client: _Client, patience: asyncio.Timeout) -> None:
        """Carry one connection; begin again as long as the pod has said nothing."""
        denied = False
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
            while not client.gone:
                try:
                    url, options = self._request()
                    async with http.ws_connect(url, **options) as remote:
                        if await _splice(client, remote, lambda: patience.reschedule(None)):
                            return
                except aiohttp.WSServerHandshakeError as refused:
                    if refused.status in (401, 403):
                        if denied:
                            return
                        denied, self._settings = True, None  # may have run out: read again
                except (aiohttp.ClientError, OSError):
                    pass
                await asyncio.sleep(PAUSE)

    def _request(self) -> tuple[str, dict[str, Any]]:
        if self._settings is None:
            self._settings = settings(self._access)
        namespace, pod, port = self._target
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/portforward?ports={port}"
        return websockets.request(self._settings, path)


class _Client:
    """The local side of a connection, with what it said before anybody answered."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.gone = False
        self.answered = False
        self._reader = reader
        self._said = b""

    async def speak(self, remote: aiohttp.ClientWebSocketResponse) -> None:
        """Pass on what it said before, then what it says, until it says no more."""
        if self._said:
            await remote.send_bytes(bytes((DATA,)) + self._said)
        while block := await self._reader.read(BLOCK):
            if not self.answered and len(self._said) < FIRST_WORDS:
                self._said += block
            await remote.send_bytes(bytes((DATA,)) + block)
        self.gone = True

    async def hear(self, data: bytes) -> None:
        """Give it what the pod says."""
        self.answered, self._said = True, b""
        self.writer.write(data)
        await self.writer.drain()


async def _splice(
    client: _Client, remote: aiohttp.ClientWebSocketResponse, answered: Callable[[], None]
) -> bool:
    """Carry until either side ends; return False when the pod never said anything."""

    async def down() -> None:
        begun: set[int] = set()
        async for message in remote:
            if message.type != aiohttp.WSMsgType.BINARY or not message.data:
                continue
            channel, data = message.data[0], message.data[1:]
            if channel not in begun:
                begun.add(channel)
            elif channel == ERROR:
                return
            elif channel == DATA and data:
                if not client.answered:
                    answered()
                await client.hear(data)

    ways = [asyncio.create_task(client.speak(remote)), asyncio.create_task(down())]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
    return client.answered or client.gone


def listen(port: int = 0) -> socket.socket:
    """Return a socket that listens on loopback; raise OSError when the port is taken."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen(128)
    except OSError:
        listening.close()
        raise
    return listening


@contextlib.contextmanager
def forwarded(access: Access, target: Target, patience: float = PATIENCE) -> Iterator[int]:
    """Forward a free port from a thread of this process, for as long as a block."""
    listening = listen()
    loop = asyncio.new_event_loop()
    end = asyncio.Event()
    forward = Forward(access, target, patience)

    def run() -> None:
        # A runner also ends what is left: connections that were accepted, or closed, just now.
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(forward.serve(listening, end))

    thread = threading.Thread(target=run, name=f"forward {target.pod}", daemon=True)
    port: int = listening.getsockname()[1]
    thread.start()
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(5.0)
