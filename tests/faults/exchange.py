"""One request at a proxy, and the ways to deal with it: pass it on, refuse it, break it off."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import aiohttp
from aiohttp import web

from syncer.metricsapi.responses import failure
from tests.faults.wire import Asked

# Of one connection, not of the request: the proxy makes its own, and reads what it passes on.
HOP = {
    "accept-encoding",
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "transfer-encoding",
}


class Upstream(NamedTuple):
    """The server behind the proxy."""

    url: str
    tls: ssl.SSLContext


class Front(Protocol):
    """What an exchange needs of its proxy."""

    watches: set[Exchange]
    closing: asyncio.Event

    def upstream(self) -> Upstream:
        """Return the server behind."""
        ...

    def session(self) -> aiohttp.ClientSession:
        """Return the connections to it."""
        ...


class Answer(NamedTuple):
    """What the server said to a request that is no watch."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(eq=False)
class Exchange:
    """One request and the ways to deal with it."""

    proxy: Front
    request: web.Request
    asked: Asked
    body: bytes
    query: dict[str, str]
    broken: bool = False
    change: Callable[[bytes], bytes] | None = None
    """Makes another line of each line of a watch."""
    stalled: asyncio.Event = field(default_factory=asyncio.Event)
    """Once set, a watch falls silent without ending."""

    async def forward(self) -> Answer:
        """Let the server carry the request out; return what it says."""
        async with self._sent() as answer:
            return Answer(answer.status, _headers(answer.headers), await answer.read())

    async def deliver(self, answer: Answer) -> web.StreamResponse:
        """Give the syncer an answer."""
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)

    async def pass_on(self) -> web.StreamResponse:
        """Do what no proxy would notice."""
        if self.asked.verb != "watch":
            return await self.deliver(await self.forward())
        return await self.stream()

    async def stream(self) -> web.StreamResponse:
        """Pass on a watch, line by line, until either side ends it or it is stalled."""
        self.proxy.watches.add(self)
        try:
            async with self._sent(aiohttp.ClientTimeout(total=None)) as answer:
                if answer.status != 200:
                    body = await answer.read()
                    return web.Response(
                        status=answer.status, headers=_headers(answer.headers), body=body
                    )
                response = web.StreamResponse(headers=_headers(answer.headers))
                await response.prepare(self.request)
                rest = b""
                async for chunk in answer.content.iter_any():
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        await self.line(response, line)
                return response
        finally:
            self.proxy.watches.discard(self)

    async def line(self, response: web.StreamResponse, line: bytes) -> None:
        """Pass on one line of a watch."""
        if self.stalled.is_set():
            await self.silence()
        if self.change is not None:
            line = self.change(line)
        await response.write(line + b"\n")

    async def silence(self) -> web.StreamResponse:
        """Answer nothing, and keep the connection."""
        await self.proxy.closing.wait()
        return self.cut()

    def cut(self) -> web.StreamResponse:
        """Break the connection off, as a crash or a firewall does."""
        self.broken = True
        if self.request.transport is not None:
            self.request.transport.abort()
        return web.Response()

    def refuse(
        self, code: int, reason: str, *, message: str = "", retry_after: int | None = None
    ) -> web.StreamResponse:
        """Answer with a Status, as an API server does."""
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        text = message or f"injected: {reason}"
        return web.json_response(failure(code, reason, text), status=code, headers=headers)

    def _sent(self, timeout: aiohttp.ClientTimeout | None = None) -> Any:
        upstream = self.proxy.upstream()
        headers = {k: v for k, v in self.request.headers.items() if k.lower() not in HOP}
        return self.proxy.session().request(
            self.request.method,
            upstream.url + self.request.rel_url.raw_path,
            params=self.query,
            data=self.body or None,
            headers=headers,
            timeout=timeout or aiohttp.ClientTimeout(total=120),
            ssl=upstream.tls,
        )


def _headers(found: Any) -> dict[str, str]:
    return {k: v for k, v in found.items() if k.lower() not in HOP}
