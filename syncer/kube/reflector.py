"""Keeps a store true: list once, then watch; list again only when the watch cannot go on."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

import structlog

from syncer.errors import ApiError, Gone, Unauthorized, Unreachable
from syncer.kube.client import Client
from syncer.kube.freshness import Freshness
from syncer.kube.objects import Obj
from syncer.kube.resources import Resource
from syncer.kube.store import Store
from syncer.kube.watch_decoder import Event

log = structlog.get_logger()

FIRST_PAUSE = 0.2  # a watch that ends at once must not become a busy loop
CALM = 5.0  # seconds after which a watch that ends has not ended at once
REASONS = ("ended", "gone", "refused", "unreachable")
"""Why a watch begins again: the server ended it in its time, no longer has the version, answered
with an error, or did not answer or fell silent."""
LONGEST_PAUSE = 30.0  # client-go's reflector waits at most this long


class History:
    """The newest version that a datastore was seen to have, by whichever of its watches.

    Versions count the commits of the whole datastore, so that one that was restored from an old
    copy tells so itself. (KEP-5504 promises that they compare; etcd and kine always kept to it.)
    """

    def __init__(self) -> None:
        self.newest = 0

    def saw(self, version: str) -> None:
        """Take note of a version."""
        self.newest = max(self.newest, number(version))

    def forget(self) -> None:
        """Begin anew: that it has gone back is known and accepted."""
        self.newest = 0


def number(version: str) -> int:
    """Return a version as a number; 0 if it is none."""
    try:
        return int(version)
    except ValueError:
        return 0


class Reflector:
    """Mirrors one resource type of one side into a store.

    1. list (all pages) → the store is replaced and `synced` set
    2. watch from the list's version; each event goes to the store, each bookmark moves the version
    3. the stream ends: watch again from the last version seen
    4. 410, as HTTP status, as an event in the stream or between two pages: back to 1
    5. anything else: wait (growing, with jitter), then as 3, or as 1 where there is a guard

    `guard` runs before every list and raises when this is not the cluster it was.
    """

    def __init__(
        self,
        client: Client,
        resource: Resource,
        store: Store,
        *,
        namespace: str = "",
        selector: str = "",
        fields: str = "",
        guard: Callable[[], Awaitable[None]] | None = None,
        longest_pause: float = LONGEST_PAUSE,
        calm: float = CALM,
        keep: Callable[[Obj], Obj] | None = None,
        on_missing: Callable[[list[Obj], int], None] | None = None,
        history: History | None = None,
    ) -> None:
        self.client = client
        self.resource = resource
        self.store = store
        self.synced = asyncio.Event()
        self.restarts: Counter[str] = Counter()
        """How often the watch was begun again, by one of REASONS."""
        self.heard = 0.0
        """When the server last sent anything, in seconds since 1970."""
        self.trouble: Exception | None = None
        self.freshness = Freshness(time.monotonic)
        self._namespace = namespace
        self._selector = selector
        self._fields = fields
        self._guard = guard
        self._longest_pause = longest_pause
        self._calm = calm
        self._shape = keep
        self._on_missing = on_missing
        self._history = history or History()
        self._version = ""
        self._served = False

    async def run(self) -> None:
        """Keep the store true until cancelled."""
        first = pause = min(FIRST_PAUSE, self._longest_pause)
        while True:
            self._served = False
            try:
                if not self._version:
                    await self._list()
                await self._watch()
                self.restarts["ended"] += 1
                self.heard = time.time()  # it ends in good order: the server is there
                if self._served:
                    pause = first
                    continue
            except Gone:
                self._version = ""
                self.restarts["gone"] += 1
                log.info("relist", side=self.client.side, resource=self.resource.plural)
            except (ApiError, Unreachable) as error:
                if isinstance(error, Unauthorized) and self._guard is not None:
                    raise  # k3s has other credentials now: start over with them
                self.trouble = error
                self.freshness.failed(error)
                if self._guard is not None:
                    # A guarded server may come back with an older datastore (a crash can lose the
                    # last commits), in which our version lies in the future.
                    self._version = ""
                self.restarts["refused" if isinstance(error, ApiError) else "unreachable"] += 1
                log.warning(
                    "watch interrupted",
                    side=self.client.side,
                    resource=self.resource.plural,
                    error=str(error),
                )
            if self._served:
                pause = first  # what cuts connections now and then costs no more each time
            await asyncio.sleep(pause * (1.0 + random.random() / 2.0))  # noqa: S311
            pause = min(self._longest_pause, pause * 2.0)

    async def _list(self) -> None:
        if self._guard is not None:
            await self._guard()
        self.store.begin_list()
        newest = self._history.newest  # a list is never older than what was there before it began
        version = ""
        async for page in self.client.pages(
            self.resource, self._namespace, selector=self._selector, fields=self._fields
        ):
            # At once: thousands of objects would take five times the memory that the store needs.
            self.store.put_page([self._keep(item) for item in page.items])
            version = page.version
            del page  # before the next one is asked for
        missing = self.store.end_list()
        if missing and self._on_missing is not None:
            self._on_missing(missing, max(0, newest - number(version)))
        self._version = version
        self._history.saw(version)
        self._is_well()
        self.synced.set()

    async def _watch(self) -> None:
        """Watch until the stream ends; it has served if it brought anything, or ran for a while."""
        begun = math.inf

        def opened() -> None:
            nonlocal begun
            begun = time.monotonic()
            self.freshness.heard()

        events = self.client.watch(
            self.resource,
            self._namespace,
            selector=self._selector,
            fields=self._fields,
            since=self._version,
            on_open=opened,
        )
        try:
            await self._take(events)
        finally:
            self._served |= time.monotonic() - begun >= self._calm
        self.freshness.heard()  # it ends when its time is over, where there are no bookmarks

    async def _take(self, events: AsyncIterator[Event]) -> None:
        async for kind, obj in events:
            self._served = True
            self._is_well()
            version = obj["metadata"]["resourceVersion"]
            if kind in ("ADDED", "MODIFIED"):
                self.store.put(self._keep(obj))
            elif kind == "DELETED":
                self.store.drop(self._keep(obj))
            self._version = version
            self._history.saw(version)

    def _is_well(self) -> None:
        self.heard = time.time()
        self.trouble = None
        self.freshness.heard()

    def _keep(self, obj: Obj) -> Obj:
        """Return of an object what the store is to have."""
        obj["metadata"].pop("managedFields", None)  # half of a small object, and never needed
        return self._shape(obj) if self._shape is not None else obj
