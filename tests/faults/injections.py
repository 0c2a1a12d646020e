"""The faults that a proxy can make, each a rule: which requests, what happens, and how often."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from syncer.metricsapi.responses import failure
from tests.faults.exchange import Exchange
from tests.faults.wire import Asked, Match, everything


@dataclass
class Injection:
    """A rule for the requests that match, at most so often, each with some probability."""

    match: Match = everything
    times: int | None = None
    share: float = 1.0
    seed: int = 7
    hits: int = 0
    _random: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311

    def takes(self, asked: Asked) -> bool:
        """Tell whether this request is hit."""
        if self.times is not None and self.hits >= self.times:
            return False
        return self.match(asked) and self._random.random() < self.share

    async def act(self, exchange: Exchange) -> web.StreamResponse:
        """Count, and do it."""
        self.hits += 1
        return await self.inject(exchange)

    async def inject(self, exchange: Exchange) -> web.StreamResponse:
        """Do it."""
        raise NotImplementedError


@dataclass
class Refuse(Injection):
    """The server says no, and has done nothing."""

    code: int = 500
    reason: str = "InternalError"
    retry_after: int | None = None
    message: str = ""

    async def inject(self, exchange: Exchange) -> web.StreamResponse:
        """Answer with a Status."""
        return exchange.refuse(
            self.code, self.reason, message=self.message, retry_after=self.retry_after
        )


@dataclass
class Slow(Injection):
    """The server takes its time."""

    seconds: float = 5.0

    async def inject(self, exchange: Exchange) -> web.StreamResponse:
        """Wait, then pass on."""
        await asyncio.sleep(self.seconds)
        return await exchange.pass_on()


@dataclass
class Silent(Injection):
    """A black hole: nothing is done, nothing is said, the connection stays."""

    async def inject(self, exchange: Exchange) -> web.StreamResponse:
        """Say nothing."""
        return await exchange.silence()


@dataclass
class Cut(Injection):
    """The connection breaks before the request is carried out."""

    async def inject(self, exchange: Exchange) -> web.StreamResponse:
        """Break it off."""
        return exchange.cut()


@dataclass
class Committed(Injection):
    """The request is carried out, and its answer is lost."""

    then: str = "cut"
    """"cut", "silence" or "504"."""

    async def inject(self, exchange: Exchange) -> web.StreamResponse:
        """Pass it on; lose the answer."""
        await exchange.forward()
        if self.then == "silence":
            return await exchange.silence()
        if self.then == "504":
            return exchange.refuse(504, "Timeout", message="request did not complete")
        return exchange.cut()


@dataclass
class Strike(Injection):
    """Something is done to the syncer at a request: before it, or between it and its answer."""

    strike: Callable[[], None] = lambda: None
    after: bool = False

    async def inject(self, exchange: Exchange) -> web.StreamResponse:
        """Strike; the request's connection is gone with whoever asked."""
        if self.after:
            await exchange.forward()
        await asyncio.get_running_loop().run_in_executor(None, self.strike)
        return exchange.cut()


@dataclass
class Expire(Injection):
    """A watch that is told, by an event in its stream, that its version is too old."""

    reason: str = "Expired"

    async def inject(self, exchange: Exchange) -> web.StreamResponse:
        """Send the ERROR event."""
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(exchange.request)
        error = {"type": "ERROR", "object": failure(410, self.reason, "too old resource version")}
        await response.write(json.dumps(error).encode() + b"\n")
        return response


@dataclass
class SmallPages(Injection):
    """Lists come in pages of two, and a continuation has expired as often as wanted."""

    expired: int = 1
    continued: int = 0

    async def inject(self, exchange: Exchange) -> web.StreamResponse:
        """Shrink the page, or refuse its continuation."""
        if "continue" in exchange.query:
            self.continued += 1
            if self.continued <= self.expired:
                text = "The provided continue parameter is too old"
                return exchange.refuse(410, "Expired", message=text)
        if "limit" in exchange.query:
            exchange.query["limit"] = "2"
        return await exchange.pass_on()


@dataclass
class Changed(Injection):
    """What the server sends is otherwise: a version that has more fields, or fewer."""

    change: Callable[[dict[str, object]], None] = lambda _obj: None

    async def inject(self, exchange: Exchange) -> web.StreamResponse:
        """Change each object of an answer or a watch."""
        if exchange.asked.verb == "watch":
            exchange.change = self._line
            return await exchange.stream()
        answer = await exchange.forward()
        return await exchange.deliver(answer._replace(body=self._body(answer.body)))

    def _line(self, line: bytes) -> bytes:
        event = json.loads(line)
        self.change(event["object"])
        return json.dumps(event).encode()

    def _body(self, body: bytes) -> bytes:
        obj = json.loads(body)
        for each in obj.get("items") or [obj]:
            self.change(each)
        return json.dumps(obj).encode()
