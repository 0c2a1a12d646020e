"""The HTTP of one API server: connections, the rate, JSON in and out, typed errors.

Raises ApiError subclasses and Unreachable, nothing else.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from typing import Any, Self

import aiohttp
import orjson

from syncer.errors import (
    AdmissionDenied,
    ApiError,
    NotLeading,
    TooManyRequests,
    Unauthorized,
    Unreachable,
)
from syncer.kube.api_answers import from_status
from syncer.kube.auth import Access
from syncer.kube.durations import QUICK, Durations
from syncer.kube.fencing import Fenced
from syncer.kube.objects import Obj
from syncer.kube.ratelimit import Bucket
from syncer.kube.watch_decoder import Event, Lines, decode

REQUEST_TIMEOUT = 60.0  # the API server's own limit for requests that are no watch
INACTIVITY = 70.0  # servers send a bookmark every 60 s; longer silence is a dead stream
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
NO_ANSWER = 0


class Transport:
    """Connections to one side's API server.

    `may_write` is asked before each mutating request, `may_delete` before each deletion.
    """

    def __init__(
        self, side: str, access: Access, bucket: Bucket, *, inactivity: float = INACTIVITY
    ) -> None:
        self.side = side
        self._access = access
        self._bucket = bucket
        self._inactivity = inactivity
        self._session: aiohttp.ClientSession | None = None
        self._before: list[aiohttp.ClientSession] = []
        """Idle as soon as their last requests have ended, and then without connections."""
        self.requests: Counter[tuple[str, str, int]] = Counter()
        """By method, resource and status; NO_ANSWER where there was none."""
        self.took = {method: Durations(QUICK) for method in METHODS}
        self.may_write: Callable[[], bool] = _always
        self.may_delete: Callable[[Obj], bool] = _always

    @property
    def throttled(self) -> float:
        """Return for how many seconds requests waited, all together, so as not to be too many."""
        return self._bucket.waited

    async def __aenter__(self) -> Self:
        """Open the connection pool."""
        self._session = self._opened()
        return self

    def reconnect(self) -> None:
        """Make new connections from now on, which show who we are now.

        What is under way ends on those of before: a session that is closed forgets who waits on it.
        """
        if self._session is not None:
            self._before.append(self._session)
            self._session = self._opened()

    def _opened(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._access.tls, limit=0, keepalive_timeout=75),
            timeout=aiohttp.ClientTimeout(total=REQUEST_TIMEOUT),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=True,
            headers={"User-Agent": "virtualcluster-syncer", "Accept": "application/json"},
        )

    async def __aexit__(self, *_: object) -> None:
        """Close the connection pool."""
        sessions = [*self._before, self._session]
        self._before, self._session = [], None
        for session in sessions:
            if session is not None:
                await session.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        resource: str,
        body: Obj | None = None,
        query: dict[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Obj:
        """Make one request and return the JSON object of a successful answer."""
        await self._bucket.take()
        if method != "GET" and not self.may_write():
            raise NotLeading(f"{self.side} {method} {resource}: another replica leads")
        data = None
        if body is not None:
            data = Fenced(orjson.dumps(body), self.may_write, content_type)
        status, begun = NO_ANSWER, time.monotonic()
        try:
            async with self._http().request(
                method,
                self._access.url + path,
                params=query,
                data=data,
                headers=self._access.headers(),
                allow_redirects=False,  # nobody else says where our credentials go
            ) as answer:
                status = answer.status
                self.requests[method, resource, status] += 1
                self.took[method].observe(time.monotonic() - begun)
                if answer.status >= 300:  # noqa: PLR2004
                    error = await _error(answer, self.side)
                    if isinstance(error, Unauthorized) and method != "GET":
                        error = await self._believed(error)
                    # The tenant's webhooks can say so too: that must hold up one object, not all.
                    if isinstance(error, TooManyRequests) and self.side == "host":
                        self._bucket.hold(error.retry_after)
                    raise error
                result: Any = orjson.loads(await answer.read())
                if not isinstance(result, dict):
                    raise Unreachable(f"{self.side} {method} {resource}: not a JSON object")
        except (aiohttp.ClientError, TimeoutError, OSError, orjson.JSONDecodeError) as error:
            if status == NO_ANSWER:
                self.requests[method, resource, NO_ANSWER] += 1
            raise Unreachable(f"{self.side} {method} {resource}: {error!r}") from error
        return result

    async def stream(
        self, path: str, query: dict[str, str], *, resource: str, on_open: Callable[[], None]
    ) -> AsyncGenerator[Event, None]:
        """Yield the events of a watch, until the server ends the stream.

        `on_open` is called once the server has agreed to tell.
        """
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=self._inactivity)
        answered = False
        try:
            async with self._http().get(
                self._access.url + path,
                params=query,
                headers=self._access.headers(),
                timeout=timeout,
                allow_redirects=False,
            ) as answer:
                answered = True
                self.requests["WATCH", resource, answer.status] += 1
                if answer.status != 200:  # noqa: PLR2004
                    raise await _error(answer, self.side)
                on_open()
                lines = Lines()
                async for chunk in answer.content.iter_any():
                    for line in lines.feed(chunk):
                        kind, obj = decode(line)
                        yield Event(kind, obj)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if not answered:
                self.requests["WATCH", resource, NO_ANSWER] += 1
            raise Unreachable(f"{self.side} {resource}: {error!r}") from error

    async def _believed(self, error: Unauthorized) -> ApiError:
        """Return what a 401 to a write is: our credentials are lost only when reading says so too.

        Nothing of a tenant's answers a GET of /version, and wrong credentials are refused there
        also where everybody may read it. Raises ClientError, TimeoutError or OSError.
        """
        async with self._http().get(
            self._access.url + "/version", headers=self._access.headers(), allow_redirects=False
        ) as answer:
            self.requests["GET", "version", answer.status] += 1
            if answer.status == error.status:
                return error
        denied = AdmissionDenied(error.status, error.reason, error.message)
        denied.side = error.side
        return denied

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise Unreachable(f"{self.side}: the client is not open")
        return self._session


def _always(*_: object) -> bool:
    return True


async def _error(answer: aiohttp.ClientResponse, side: str) -> ApiError:
    text = await answer.read()
    try:
        status: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        status = {"message": text[:256].decode(errors="replace")}
    error = from_status(answer.status, status, answer.headers.get("Retry-After"))
    error.side = side
    return error
