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
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

import aiohttp
from aiohttp import web

from tests.faults import wire
from tests.faults.exchange import Exchange, Upstream
from tests.faults.wire import Asked

T = TypeVar("T")
BIG = 64 * 1024 * 1024


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
