"""Service account tokens of the virtual API in pods.

The host's kubelet would put the *host's* tokens into projected volumes. Instead a Secret
for each pod holds tokens that the virtual API server issued: bound to the virtual pod, for the
audience and lifetime that the pod asked for, renewed before they end (TokenRequest, KEP-1205).
"""

from __future__ import annotations

import base64
import contextlib
import math
from collections.abc import Callable

import structlog

from syncer import identity
from syncer.client import Client
from syncer.errors import NotFound
from syncer.identity import virtual_key
from syncer.objects import Key, Obj, annotation, uid_of
from syncer.resources import SECRETS, SERVICE_ACCOUNTS
from syncer.translate.pods import token_secret_key
from syncer.translate.volumes import TokenWish, token_wishes
from syncer.world import World

log = structlog.get_logger()
RENEW_AT = identity.PREFIX + "token-renew-at"
RENEW_SHARE = 0.8  # of the lifetime, as the kubelet does
LONGEST_USE = 24 * 3600.0  # the kubelet also renews any token older than a day
HOUR, EXTENDED = 3600, 3607
"""What admission writes into pods, 3607, API servers stretch to a year for clients that read their
token only once. On the host it lies in a Secret: there nothing may live so long (threats B4)."""


class Tokens:
    """Keeps each pod's token Secret; `clock` gives the time in seconds since 1970."""

    def __init__(
        self, world: World, virt: Client, host: Client, clock: Callable[[], float]
    ) -> None:
        self._world = world
        self._virt = virt
        self._host = host
        self._clock = clock
        self.issued = 0
        self.renewed = 0
        """Pods whose tokens were made anew."""

    async def ensure(self, pod: Key, virt_pod: Obj) -> float | None:
        """Make or renew the pod's Secret; return seconds until the next renewal, if any."""
        wishes = token_wishes(virt_pod)
        if not wishes:
            return None
        secret = self._secret(pod)
        now = self._clock()
        if secret is not None and annotation(secret, identity.UID) == uid_of(virt_pod):
            renew_at = _seconds(annotation(secret, RENEW_AT))
            whole = {wish.key for wish in wishes} <= (secret.get("data") or {}).keys()
            # Farther off than any is planned: the clock was ahead then.
            if whole and now < renew_at <= now + LONGEST_USE:
                return renew_at - now
        elif secret is not None:
            await self._delete(secret)  # of an earlier pod of this name
            secret = None
        data, renew_at = {}, float("inf")
        for wish in wishes:
            token, life = await self._request(virt_pod, wish)
            data[wish.key] = base64.b64encode(token.encode()).decode()
            renew_at = min(renew_at, now + min(life * RENEW_SHARE, LONGEST_USE))
        obj = self._new_secret(pod, virt_pod, data, renew_at)
        if secret is None:
            namespace = self._world.ident.host_namespace
            written = await self._host.create(SECRETS, namespace, obj)
        else:
            annotations = obj["metadata"]["annotations"]
            change: Obj = {"data": data, "metadata": {"annotations": annotations}}
            written = await self._host.patch(SECRETS, secret, change)
            self.renewed += 1
            log.info("tokens renewed", virt_namespace=pod.namespace, virt_name=pod.name)
        self._world.host["secrets"].put_written(slim(written))
        return renew_at - now

    async def forget(self, pod: Key) -> None:
        """Delete the pod's Secret."""
        secret = self._secret(pod)
        if secret is not None:
            await self._delete(secret)

    def _secret(self, pod: Key) -> Obj | None:
        ident = self._world.ident
        name = ident.hashed_name(token_secret_key(pod))
        return self._world.host["secrets"].get(ident.host_namespace, name)

    async def _delete(self, secret: Obj) -> None:
        with contextlib.suppress(NotFound):
            await self._host.delete(SECRETS, secret)
        self._world.host["secrets"].drop(secret)

    async def _request(self, virt_pod: Obj, wish: TokenWish) -> tuple[str, float]:
        meta = virt_pod["metadata"]
        request: Obj = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "metadata": {
                "name": virt_pod["spec"].get("serviceAccountName", "default"),
                "namespace": meta["namespace"],
            },
            "spec": {
                "expirationSeconds": HOUR if wish.seconds == EXTENDED else wish.seconds,
                "audiences": [wish.audience] if wish.audience else [],
                "boundObjectRef": {
                    "apiVersion": "v1",
                    "kind": "Pod",
                    "name": meta["name"],
                    "uid": meta["uid"],
                },
            },
        }
        answer = await self._virt.create(
            SERVICE_ACCOUNTS, meta["namespace"], request, subresource="token"
        )
        self.issued += 1
        # How long, not until when: by a clock that is ahead it has ended before it was made.
        return answer["status"]["token"], answer["spec"]["expirationSeconds"]

    def _new_secret(self, pod: Key, virt_pod: Obj, data: dict[str, str], renew_at: float) -> Obj:
        ident = self._world.ident
        key = token_secret_key(pod)
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": ident.hashed_name(key),
                "namespace": ident.host_namespace,
                "labels": ident.labels(pod.namespace, None),
                "annotations": {
                    **ident.marks(key, uid_of(virt_pod)),
                    RENEW_AT: str(int(renew_at)),
                },
                "ownerReferences": [ident.owner()],
            },
            "type": "Opaque",
            "data": data,
        }


def slim(secret: Obj) -> Obj:
    """Return a Secret of the host as it is kept: of tokens only which ones there are.

    They are long, one for each pod, and never compared: what they say is known by RENEW_AT.
    """
    key = virtual_key(secret)
    if key is None or key.kind != "tokens" or not secret.get("data"):
        return secret
    return {**secret, "data": dict.fromkeys(secret["data"], "")}


def _seconds(note: str) -> float:
    """Return the time that the note says, or the past when somebody has spoilt it."""
    try:
        seconds = float(note)
    except ValueError:
        return 0.0
    return seconds if math.isfinite(seconds) else 0.0
