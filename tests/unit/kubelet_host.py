"""A host API server that answers by script, over real TLS sockets."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import h11


class Received(NamedTuple):
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name]


@dataclass
class HostCall:
    """One request at the fake host, and the means to answer it in any way."""

    received: Received
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    http: h11.Connection

    async def send(self, *events: h11.Event, then: bytes = b"") -> None:
        """Send events, and raw bytes in the same segment."""
        self.writer.write(b"".join(self.http.send(event) or b"" for event in events) + then)
        await self.writer.drain()

    async def raw(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()
        await asyncio.sleep(0)  # on a dead uvloop transport drain never yields: no loop would end

    async def status(self, code: int, body: bytes, **headers: str) -> None:
        """Answer with a whole response."""
        head = h11.Response(
            status_code=code,
            headers=[("Content-Length", str(len(body))), *headers.items()],
        )
        await self.send(head, h11.Data(data=body), h11.EndOfMessage())

    async def switch(self, protocol: str, then: bytes = b"", **headers: str) -> None:
        """Answer with a 101."""
        names = {key.replace("_", "-"): value for key, value in headers.items()}
        fields = [("Connection", "Upgrade"), ("Upgrade", protocol), *names.items()]
        await self.send(h11.InformationalResponse(status_code=101, headers=fields), then=then)


Script = Callable[[HostCall], Awaitable[None]]


class FakeHost:
    """An API server that does what the test's script says, one request per connection."""

    def __init__(self) -> None:
        self.script: Script = refuse
        self.calls: list[HostCall] = []
        self.ended = asyncio.Event()  # a connection's client has gone or its script is over
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def serve(self, context: ssl.SSLContext) -> AsyncIterator[int]:
        server = await asyncio.start_server(self._connected, "localhost", 0, ssl=context)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            call = await self._read(reader, writer)
            self.calls.append(call)
            await self.script(call)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self.ended.set()
            writer.close()

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> HostCall:
        http = h11.Connection(h11.SERVER, max_incomplete_event_size=2**20)
        head, body = await read_message(http, reader)
        assert isinstance(head, h11.Request)
        headers = [(k.decode(), v.decode()) for k, v in head.headers.raw_items()]
        received = Received(head.method.decode(), head.target.decode(), headers, body)
        return HostCall(received, reader, writer, http)


async def refuse(call: HostCall) -> None:
    await call.status(400, b'{"kind":"Status","message":"Upgrade request required"}')


async def read_head(http: h11.Connection, reader: asyncio.StreamReader) -> Any:
    while (event := http.next_event()) is h11.NEED_DATA:
        http.receive_data(await reader.read(65536))
    return event


async def read_message(http: h11.Connection, reader: asyncio.StreamReader) -> tuple[Any, bytes]:
    """Read a head and, if one follows, its whole body."""
    head, body = await read_head(http, reader), b""
    if isinstance(head, h11.InformationalResponse):
        return head, body
    while isinstance(event := await read_head(http, reader), h11.Data):
        body += event.data
    return head, body
