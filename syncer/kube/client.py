"""One API server: requests and watches, dicts in and out, typed errors.

Why not the `kubernetes` package: a mirror must not drop the fields that its types do not know, and
typed decoding costs 10 to 100 times more (design §4 has the measurements).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple, Self

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
from syncer.kube.resources import EVENTS, Resource
from syncer.kube.watch_decoder import Event, Lines, decode

PAGE = 100  # a page is decoded as a whole, 20 KB for each pod; client-go asks for 500 at a time
REQUEST_TIMEOUT = 60.0  # the API server's own limit for requests that are no watch
INACTIVITY = 70.0  # servers send a bookmark every 60 s; longer silence is a dead stream
WATCH_SECONDS = 290  # like client-go: between 5 and 10 minutes, so that load balancers stay calm
SHORT_WATCH_SECONDS = 60  # where bookmarks come only 2 s before the end of a watch, or never
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
NO_ANSWER = 0
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"  # merges containers by name


class Dialect(NamedTuple):
    """How a server has a resource type that it does not serve as the version that we speak."""

    resource: Resource
    outward: Callable[[Obj], Obj]
    """Makes what we send, whole or a merge patch, what the server takes."""
    inward: Callable[[Obj], Obj]


class Page(NamedTuple):
    """A part of a list."""

    items: list[Obj]
    version: str
    """Of the whole list."""


class Client:
    """Talks to one side's API server. Raises ApiError subclasses and Unreachable, nothing else.

    `may_write` is asked before each request that is no mere reading.
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
        self._dialects: dict[Resource, Dialect] = {}
        self.watch_seconds = WATCH_SECONDS

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

    def speak(self, resource: Resource, dialect: Dialect) -> None:
        """Speak a dialect with this server; callers notice nothing."""
        self._dialects[resource] = dialect

    def _dialect(self, resource: Resource) -> Dialect:
        return self._dialects.get(resource) or Dialect(resource, _same, _same)

    async def get(self, resource: Resource, namespace: str, name: str) -> Obj:
        """Return the object."""
        told = self._dialect(resource)
        path = told.resource.path(namespace, name)
        return told.inward(await self.request("GET", path, resource=resource.plural))

    async def create(
        self,
        resource: Resource,
        namespace: str,
        obj: Obj,
        *,
        subresource: str = "",
        dry_run: bool = False,
    ) -> Obj:
        """Create the object (or post to the subresource of the object named in it)."""
        name = obj["metadata"]["name"] if subresource else ""
        told = self._dialect(resource)
        answer = await self.request(
            "POST",
            told.resource.path(namespace, name, subresource),
            body=told.outward(obj),
            query={"dryRun": "All"} if dry_run else None,
            resource=f"{resource.plural}/{subresource}" if subresource else resource.plural,
        )
        return told.inward(answer)

    async def update(self, resource: Resource, obj: Obj) -> Obj:
        """Replace the object; its resourceVersion makes a lost update impossible."""
        meta = obj["metadata"]
        told = self._dialect(resource)
        path = told.resource.path(meta.get("namespace", ""), meta["name"])
        body = told.outward(obj)
        return told.inward(await self.request("PUT", path, body=body, resource=resource.plural))

    async def patch(
        self,
        resource: Resource,
        obj: Obj,
        patch: Obj,
        *,
        subresource: str = "",
        content_type: str = MERGE,
    ) -> Obj:
        """Merge `patch` into the object, provided that it still has the UID that `obj` has."""
        meta = obj["metadata"]
        body = {**patch, "metadata": {**patch.get("metadata", {}), "uid": meta["uid"]}}
        told = self._dialect(resource)
        answer = await self.request(
            "PATCH",
            told.resource.path(meta.get("namespace", ""), meta["name"], subresource),
            body=told.outward(body),
            content_type=content_type,
            resource=f"{resource.plural}/{subresource}" if subresource else resource.plural,
        )
        return told.inward(answer)

    async def delete(
        self, resource: Resource, obj: Obj, *, grace: int | None = None, unchanged: bool = False
    ) -> Obj:
        """Delete the object, provided that it still has the UID that `obj` has.

        `unchanged`: provided also that nothing else of it changed; raises Conflict if it did.
        """
        meta = obj["metadata"]
        body: Obj = {
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "preconditions": {"uid": meta["uid"]},
        }
        if unchanged:
            body["preconditions"]["resourceVersion"] = meta["resourceVersion"]
        if grace is not None:
            body["gracePeriodSeconds"] = grace
        path = self._dialect(resource).resource.path(meta.get("namespace", ""), meta["name"])
        return await self.request("DELETE", path, body=body, resource=resource.plural)

    async def list(
        self, resource: Resource, namespace: str = "", *, selector: str = "", fields: str = ""
    ) -> tuple[list[Obj], str]:
        """Return all objects, and the version from which to watch; raises as `pages` does."""
        items: list[Obj] = []
        version = ""
        async for page in self.pages(resource, namespace, selector=selector, fields=fields):
            items += page.items
            version = page.version
        return items, version

    async def pages(
        self, resource: Resource, namespace: str = "", *, selector: str = "", fields: str = ""
    ) -> AsyncIterator[Page]:
        """Yield all objects, page by page, each with the version of the whole list.

        Raises Gone when a page's continuation has expired: begin again.
        """
        # A list of one name is a read of one key: kine, which k3s stores in, refuses limits there
        # ("limit is not implemented by kine"), and API servers such as 1.30 pass them on.
        query = {} if fields.startswith("metadata.name=") else {"limit": str(PAGE)}
        if selector:
            query["labelSelector"] = selector
        if fields:
            query["fieldSelector"] = fields
        told = self._dialect(resource)
        path = told.resource.path(namespace)
        while True:
            answer = await self.request("GET", path, query=query, resource=resource.plural)
            meta, page = answer["metadata"], Page([], answer["metadata"]["resourceVersion"])
            for item in answer.get("items") or ():
                item.setdefault("apiVersion", told.resource.api_version)
                item.setdefault("kind", resource.kind)
                page.items.append(told.inward(item))
            yield page
            if not meta.get("continue"):
                return
            query["continue"] = meta["continue"]
            del answer, page  # ten megabytes, while the next ones are on their way

    async def watch(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        selector: str = "",
        fields: str = "",
        since: str,
        on_open: Callable[[], None] = lambda: None,
    ) -> AsyncIterator[Event]:
        """Yield changes after version `since`, until the server ends the stream.

        `on_open` is called once the server has agreed to tell. Raises Gone as soon as the version
        is too old, and Unreachable when the stream falls silent.
        """
        query = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": since,
            # Events are not in the API server's cache, which is what sends bookmarks.
            "timeoutSeconds": str(
                SHORT_WATCH_SECONDS if resource == EVENTS else self.watch_seconds
            ),
        }
        if selector:
            query["labelSelector"] = selector
        if fields:
            query["fieldSelector"] = fields
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=self._inactivity)
        told = self._dialect(resource)
        answered = False
        try:
            async with self._http().get(
                self._access.url + told.resource.path(namespace),
                params=query,
                headers=self._access.headers(),
                timeout=timeout,
                allow_redirects=False,
            ) as answer:
                answered = True
                self.requests["WATCH", resource.plural, answer.status] += 1
                if answer.status != 200:  # noqa: PLR2004
                    raise await _error(answer, self.side)
                on_open()
                lines = Lines()
                async for chunk in answer.content.iter_any():
                    for line in lines.feed(chunk):
                        kind, obj = decode(line)
                        # A bookmark's object has no spec to translate.
                        yield Event(kind, told.inward(obj) if kind != "BOOKMARK" else obj)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if not answered:
                self.requests["WATCH", resource.plural, NO_ANSWER] += 1
            raise Unreachable(f"{self.side} {resource.plural}: {error!r}") from error

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


def _same(obj: Obj) -> Obj:
    return obj


def _always() -> bool:
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
