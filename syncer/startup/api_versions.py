"""What an older server does otherwise: versions of resource types, and the ends of watches."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from syncer.errors import Forbidden, NotFound
from syncer.kube import version as versions
from syncer.kube.client import SHORT_WATCH_SECONDS, Client, Dialect
from syncer.kube.objects import Obj
from syncer.kube.resources import (
    BUDGETS,
    ENDPOINT_SLICES,
    INGRESS_CLASSES,
    INGRESSES,
    INGRESSES_BETA,
    RUNTIME_CLASSES,
    Resource,
)
from syncer.translate.ingress_v1beta1 import to_v1, to_v1beta1

log = structlog.get_logger()
BOOKMARKS = (1, 20, 0)
"""From here on bookmarks come each minute; 1.16 to 1.18 send one at the end of a watch (their
cacher's nextBookmarkTime), 1.19 was not looked at."""


def _renamed(resource: Resource) -> Dialect:
    """Return the dialect of a v1beta1 in which everything that we use is called as in v1."""
    old = resource._replace(version="v1beta1")

    def said_as(version: str, obj: Obj) -> Obj:
        return {**obj, "apiVersion": version} if "apiVersion" in obj else obj

    return Dialect(
        old,
        lambda obj: said_as(old.api_version, obj),
        lambda obj: said_as(resource.api_version, obj),
    )


def _budgets() -> Dialect:
    renamed = _renamed(BUDGETS)

    def inward(obj: Obj) -> Obj:
        # An empty selector is for no pod in v1beta1 and for all in v1, where none is for no pod.
        spec = obj.get("spec") or {}
        if spec.get("selector") == {}:
            obj = {**obj, "spec": {k: v for k, v in spec.items() if k != "selector"}}
        return renamed.inward(obj)

    return renamed._replace(inward=inward)


OLDER: Mapping[str, tuple[Resource, Dialect]] = {
    resource.plural: (resource, dialect)
    for resource, dialect in (
        # v1 since Kubernetes 1.19; v1beta1 since 1.14, so that nobody needs extensions/v1beta1.
        (INGRESSES, Dialect(INGRESSES_BETA, to_v1beta1, to_v1)),
        (INGRESS_CLASSES, _renamed(INGRESS_CLASSES)),  # v1 since 1.19, v1beta1 since 1.18
        (BUDGETS, _budgets()),  # v1 since 1.21
        (ENDPOINT_SLICES, _renamed(ENDPOINT_SLICES)),  # v1 since 1.21, v1beta1 since 1.17
        (RUNTIME_CLASSES, _renamed(RUNTIME_CLASSES)),  # v1 since 1.20, v1beta1 since 1.14
    )
}


async def version(client: Client) -> str:
    """Return a server's version, and have the client watch so that it never seems silent."""
    answer = await client.request("GET", "/version", resource="version")
    told = str(answer["gitVersion"])
    numbers = versions.parse(told)
    if numbers is not None and numbers < BOOKMARKS:
        client.watch_seconds = SHORT_WATCH_SECONDS
    return told


async def learn(client: Client, kinds: frozenset[str]) -> frozenset[str]:
    """Ask a server what it serves, have the client speak that, and return the kinds it lacks.

    A server that does not tell is taken to be a newer one.
    """
    lacking = set()
    for kind in sorted(kinds & OLDER.keys()):
        resource, dialect = OLDER[kind]
        if await _serves(client, resource):
            continue
        if await _serves(client, dialect.resource):
            client.speak(resource, dialect)
            log.info("older API version in use", side=client.side, kind=kind, version="v1beta1")
        else:
            lacking.add(kind)
            log.warning("kind not available", side=client.side, kind=kind)
    return frozenset(lacking)


async def _serves(client: Client, resource: Resource) -> bool:
    path = f"/apis/{resource.group}/{resource.version}"
    try:
        answer = await client.request("GET", path, resource="discovery")
    except NotFound:
        return False
    except Forbidden:
        return True
    return any(each["name"] == resource.plural for each in answer.get("resources") or ())
