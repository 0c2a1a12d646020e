"""Stands between the syncer and one API server, sees each request, and fails when it is told to.

Runs in a thread with an event loop of its own. What it does to a request is decided by rules
(injections.py), the first that takes the request; without one the request is passed on.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

import aiohttp
from aiohttp import web

from syncer.metricsapi.documents import failure
from tests.faults import wire
from tests.faults.wire import Asked

T = TypeVar("T")
# Of one connection, not of the request: the proxy makes its own, and reads what it passes on.
HOP = {
    "accept-encoding",
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "transfer-encoding",
}
BIG = 64 * 1024 * 1024


class Upstream(NamedTuple):
    """The server behind the proxy."""

    url: str
    tls: ssl.SSLContext


class Seen(NamedTuple):
    """A request that arrived, when, and what was answered; 0 while or where nothing was."""

    asked: Asked
    at: float
    status: int


class Rule(Protocol):
    """A fault."""

    hits: int
    """How often it did something: a fault that was never injected proves nothing."""

    def takes(self, asked: Asked) -> bool:
        """Tell whether it has something to do with this request."""
        ...

    async def act(self, exchange: Exchange) -> web.StreamResponse:
        """Answer the request, or not."""
        ...


class Answer(NamedTuple):
    """What the server said to a request that is no watch."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(eq=False)
class Exchange:
    """One request and the ways to deal with it."""

    proxy: Proxy
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


class Proxy:
    """The proxy before one side's server."""

    def __init__(self, side: str, certificate: tuple[Path, Path], port: int) -> None:
        self.side = side
        self.port = port
        self.rules: list[Rule] = []
        self.seen: list[Seen] = []
        self.writes = 0
        self.watches: set[Exchange] = set()
        self.lost_answers = 0
        """Requests that the server behind did not answer: it is that which is down."""
        self.closing = asyncio.Event()
        self._certificate = certificate
        self._upstream: Upstream | None = None
        self._session: aiohttp.ClientSession | None = None
        self._transports: set[asyncio.BaseTransport] = set()
        self._site: web.TCPSite | None = None
        self._runner: web.AppRunner | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=side, daemon=True)

    def upstream(self) -> Upstream:
        """Return the server behind."""
        assert self._upstream is not None
        return self._upstream

    def leads_to(self, upstream: Upstream) -> None:
        """Take a server, or the same one with other credentials."""
        self._upstream = upstream

    def session(self) -> aiohttp.ClientSession:
        """Return the connections to the server."""
        assert self._session is not None
        return self._session

    def start(self) -> None:
        """Serve."""
        self._thread.start()
        self.run(self._open())

    def stop(self) -> None:
        """End all that is open."""
        self.run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something in the proxy's thread; return what it returns."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def down(self) -> None:
        """Be unreachable: what is open is reset, what is new is refused."""

        async def work() -> None:
            if self._site is not None:
                await self._site.stop()
                self._site = None
            self._abort()

        self.run(work())

    def up(self) -> None:
        """Be reachable, again or still."""
        if self._site is None:
            self.run(self._listen())

    def cut(self) -> None:
        """Reset all that is open."""

        async def work() -> None:
            self._abort()

        self.run(work())

    def stall(self) -> int:
        """Silence all watches that are open, without ending them; return how many."""

        async def work() -> int:
            for each in self.watches:
                each.stalled.set()
            return len(self.watches)

        return self.run(work())

    def certify(self, certificate: tuple[Path, Path]) -> None:
        """Show another certificate from now on; what is open ends."""
        self._certificate = certificate
        self.down()
        self.up()

    def _abort(self) -> None:
        for each in list(self._transports):
            if isinstance(each, asyncio.Transport):
                each.abort()
        self._transports.clear()

    async def _open(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept-Encoding", "User-Agent"),
            read_bufsize=2**20,
        )
        app = web.Application(client_max_size=BIG)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await self._listen()

    async def _listen(self) -> None:
        assert self._runner is not None
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*self._certificate)
        self._site = web.TCPSite(
            self._runner, "127.0.0.1", self.port, ssl_context=tls, reuse_address=True
        )
        await self._site.start()

    async def _close(self) -> None:
        self.closing.set()
        self._abort()
        if self._runner is not None:
            await self._runner.cleanup()
        await self.session().close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.transport is not None:
            self._transports.add(request.transport)
        body = await request.read()
        query = dict(request.query)
        try:
            parsed = json.loads(body) if body else None
        except ValueError:
            parsed = None
        asked = wire.read(self.side, request.method, request.path, query, parsed)
        exchange = Exchange(self, request, asked, body, query)
        begun = time.monotonic()
        code = 0
        try:
            rule = next((each for each in self.rules if each.takes(asked)), None)
            answer = await (exchange.pass_on() if rule is None else rule.act(exchange))
            code = 0 if exchange.broken else answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            # The server is away, or the syncer has gone: either way this connection is over.
            self.lost_answers += 1
            answer = exchange.cut()
        finally:
            self.seen.append(Seen(asked, begun, code))
            self.writes += asked.writes
        return answer


def _headers(found: Any) -> dict[str, str]:
    return {k: v for k, v in found.items() if k.lower() not in HOP}
