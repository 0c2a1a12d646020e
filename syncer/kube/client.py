"""One API server: requests and watches, dicts in and out, typed errors.

Why not the `kubernetes` package: a mirror must not drop the fields that its types do not know, and
typed decoding costs 10 to 100 times more (docs/decisions/012 has the measurements).
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

from syncer.errors import DeletionHeld
from syncer.kube.auth import Access
from syncer.kube.objects import Obj
from syncer.kube.ratelimit import Bucket
from syncer.kube.resources import EVENTS, Resource
from syncer.kube.transport import INACTIVITY, Transport
from syncer.kube.watch_decoder import Event

PAGE = 100  # a page is decoded as a whole, 20 KB for each pod; client-go asks for 500 at a time
WATCH_SECONDS = 290  # like client-go: between 5 and 10 minutes, so that load balancers stay calm
SHORT_WATCH_SECONDS = 60  # where bookmarks come only 2 s before the end of a watch, or never
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


class Client(Transport):
    """Talks to one side's API server. Raises ApiError subclasses and Unreachable, nothing else."""

    def __init__(
        self, side: str, access: Access, bucket: Bucket, *, inactivity: float = INACTIVITY
    ) -> None:
        super().__init__(side, access, bucket, inactivity=inactivity)
        self._dialects: dict[Resource, Dialect] = {}
        self.watch_seconds = WATCH_SECONDS

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
        Raises DeletionHeld where `may_delete` says no.
        """
        if not self.may_delete(obj):
            raise DeletionHeld(f"{self.side} {resource.plural}/{obj['metadata']['name']}")
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
        told = self._dialect(resource)
        path = told.resource.path(namespace)
        events = self.stream(path, query, resource=resource.plural, on_open=on_open)
        async with contextlib.aclosing(events):
            async for kind, obj in events:
                # A bookmark's object has no spec to translate.
                yield Event(kind, told.inward(obj) if kind != "BOOKMARK" else obj)


def _same(obj: Obj) -> Obj:
    return obj
