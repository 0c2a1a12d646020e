"""The host's metrics API as far as our namespace goes, asked seldom enough.

A tenant may ask as often as it likes: whatever it asks for is answered from the last list, and the
host sees at most one request each FRESH seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from syncer.errors import ApiError, Forbidden, NotFound, Unreachable
from syncer.identity import Identity
from syncer.kube.client import Client
from syncer.kube.objects import Obj

ROOT = "/apis/metrics.k8s.io/v1beta1"
FRESH = 5.0  # seconds; metrics-server itself measures each 15 s, 10 s at the least
PATIENCE = 15.0  # seconds for one answer: less than what aggregator and kubectl wait


class Unavailable(Exception):
    """The host gives no figures; the text may be read by the tenant."""


class HostMetrics:
    """Figures of the pods in our host namespace, and of nodes where the host lets us."""

    def __init__(self, host: Client, ident: Identity, clock: Callable[[], float]) -> None:
        self._host = host
        namespace = ident.host_namespace
        pods = f"{ROOT}/namespaces/{namespace}/pods"
        self._pods = _Kept(lambda: self._list(pods, ident.selector), clock)
        self._nodes = _Kept(lambda: self._list(f"{ROOT}/nodes", ""), clock)

    async def pods(self) -> list[Obj]:
        """Return the figures of our pods in the host's names; raise Unavailable."""
        return await self._pods.get()

    async def nodes(self) -> list[Obj]:
        """Return the figures of all host nodes; raise Unavailable."""
        return await self._nodes.get()

    async def served(self) -> bool | None:
        """Tell whether the host has the API at all; None when that cannot be said just now."""
        try:
            await self._host.request("GET", ROOT, resource="metrics")
        except NotFound:
            return False
        except (ApiError, Unreachable):  # registered but down, or the whole API is away
            return None
        return True

    async def _list(self, path: str, selector: str) -> list[Obj]:
        query = {"labelSelector": selector} if selector else None
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._host.request("GET", path, resource="metrics", query=query)
        except Forbidden as error:
            raise Unavailable(
                "the host does not let the syncer read its metrics API: ask its operator"
            ) from error
        except (ApiError, Unreachable, TimeoutError) as error:
            raise Unavailable("the metrics API of the host does not answer") from error
        items: list[Obj] = answer.get("items") or []
        return items


class _Kept:
    """The last answer, good or bad, for as long as it is fresh; one request at a time."""

    def __init__(
        self, fetch: Callable[[], Awaitable[list[Obj]]], clock: Callable[[], float]
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = asyncio.Lock()
        self._at = float("-inf")
        self._answer: list[Obj] | Unavailable = []

    async def get(self) -> list[Obj]:
        async with self._lock:  # who comes meanwhile shares the answer
            if self._clock() - self._at >= FRESH:
                try:
                    self._answer = await self._fetch()
                except Unavailable as error:
                    self._answer = error
                self._at = self._clock()
        if isinstance(self._answer, Unavailable):
            raise Unavailable(str(self._answer))
        return self._answer
