"""Which version of a resource type a server speaks, where older ones lack the one that we speak."""

from __future__ import annotations

import structlog

from syncer.client import Client, Dialect
from syncer.errors import Forbidden, NotFound
from syncer.resources import INGRESSES, INGRESSES_BETA
from syncer.translate.ingressbeta import to_v1, to_v1beta1

log = structlog.get_logger()


async def learn(client: Client) -> None:
    """Ask a server what it serves, and have the client speak that from now on.

    networking.k8s.io/v1 has no ingresses before Kubernetes 1.19, and v1beta1 has them since 1.14,
    so that nobody needs extensions/v1beta1. A server that does not tell is taken to be a newer one.
    """
    if await _serves(client, "v1") or not await _serves(client, "v1beta1"):
        return
    client.speak(INGRESSES, Dialect(INGRESSES_BETA, to_v1beta1, to_v1))
    log.info("ingresses are v1beta1 there", side=client.side)


async def _serves(client: Client, version: str) -> bool:
    try:
        answer = await client.request(
            "GET", f"/apis/{INGRESSES.group}/{version}", resource="discovery"
        )
    except (Forbidden, NotFound):
        return False
    return any(each["name"] == INGRESSES.plural for each in answer.get("resources") or ())
