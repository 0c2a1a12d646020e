"""Service account tokens of the virtual API in pods.

The host's kubelet would put the *host's* tokens into projected volumes. Instead a Secret
holds tokens that the virtual API server issued: each bound to its virtual pod, for the
audience and lifetime that the pod asked for, renewed before it ends (TokenRequest, KEP-1205).

A pod that is made alone has a Secret of its own. Where pods wait to be made, those that ask for the
same tokens of the same service account get one Secret together: two writes fewer for each of them,
and no node learns a token of an account that it does not have already.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import math
from collections.abc import Callable, Iterable
from itertools import islice
from typing import NamedTuple

import orjson
import structlog

from syncer import identity
from syncer.errors import ApiError, NotFound
from syncer.identity import virtual_key
from syncer.kube.client import Client
from syncer.kube.keyed_locks import Locks
from syncer.kube.objects import Key, Obj, annotation, uid_of
from syncer.kube.resources import SECRETS
from syncer.state.cluster import World
from syncer.state.token_index import HELD, KIND, holders, slim
from syncer.sync.pods.token_request import account, request
from syncer.translate import pods as translate
from syncer.translate.volumes import token_places, token_wishes

log = structlog.get_logger()
RENEW_AT = identity.PREFIX + "token-renew-at"
RENEW_SHARE = 0.8  # of the lifetime, as the kubelet does
LONGEST_USE = 24 * 3600.0  # the kubelet also renews any token older than a day
TOGETHER = 16  # pods in one Secret: two writes for 16 are few enough, and 30 KB little enough
TOKENS_TOGETHER = 64  # of pods that wish for several: a Secret has room for a mebibyte


class Issued(NamedTuple):
    """Where a pod's tokens are."""

    secret: str
    renew_in: float
    """Seconds."""


class Member(NamedTuple):
    """A pod, and under which keys of a Secret its tokens are."""

    virt_pod: Obj
    keys: dict[str, str]
    """By `TokenWish.key`."""


class Tokens:
    """Keeps the Secrets with pods' tokens; `clock` gives the time in seconds since 1970."""

    def __init__(
        self, world: World, virt: Client, host: Client, clock: Callable[[], float]
    ) -> None:
        self._world = world
        self._virt = virt
        self._host = host
        self._clock = clock
        self._issuing = Locks()
        """By the pod's UID."""
        self._writing = Locks()
        """By the Secret's name."""
        self.issued = 0
        self.renewed = 0
        """Pods whose tokens were made anew."""

    async def issue(
        self, pod: Key, virt_pod: Obj, waiting: Callable[[], Iterable[Obj]] = tuple
    ) -> Issued | None:
        """Make sure that a Secret holds the tokens of a pod whose host pod is to be made.

        `waiting` gives other virtual pods that are about to be made: they may get theirs with it.
        Return None for a pod that asks for none. Raises what the API servers answer.
        """
        if not token_wishes(virt_pod):
            return None
        uid, index = uid_of(virt_pod), self._world.tokens
        for name in index.secrets_of(pod.namespace, pod.name):
            if index.holders(name).get(pod.name) != uid:
                await self._let_go(name, pod)  # an earlier pod of this name
        async with self._issuing(uid):
            held = index.secret_of(pod.namespace, pod.name, uid)
            if held is not None:
                return Issued(held, await self._keep(held, _member(virt_pod)))
            mates = self._mates(virt_pod, waiting())
            name = translate.token_secret_name(self._world.ident, virt_pod)
            members = [_member(each) for each in (virt_pod, *mates)]
            async with self._issuing(*map(uid_of, mates)):
                return Issued(name, await self._write(name, None, members))

    async def renew(self, virt_pod: Obj, host_pod: Obj) -> float | None:
        """Renew the tokens of a pod that has a host pod, if it is time, or they are missing.

        Return seconds until the next time, None for a pod that has none.
        """
        places = token_places(virt_pod, host_pod)
        if not places:
            return None
        name = next(iter(places.values())).secret
        keys = {wish: place.key for wish, place in places.items()}
        return await self._keep(name, Member(virt_pod, _member(virt_pod).keys | keys))

    async def forget(self, pod: Key) -> None:
        """Delete the Secrets with tokens of a pod that has ended, once all in them have."""
        for name in self._world.tokens.secrets_of(pod.namespace, pod.name):
            await self._let_go(name, pod)

    async def _let_go(self, name: str, pod: Key) -> None:
        """Delete a Secret, unless another pod than this one has its tokens there."""
        async with self._writing(name):  # several pods in it may end at once
            held = self._world.tokens.holders(name)
            if any(self._world.pods.lives(uid) for each, uid in held.items() if each != pod.name):
                return
            secret = self._secret(name)
            if secret is not None:
                with contextlib.suppress(NotFound):
                    await self._host.delete(SECRETS, secret)
                self._world.host["secrets"].drop(secret)

    def _mates(self, virt_pod: Obj, waiting: Iterable[Obj]) -> list[Obj]:
        """Return others that ask for the same as the pod, and have no tokens yet."""
        group = _group(virt_pod)
        fit = (
            each
            for each in waiting
            if _group(each) == group
            and uid_of(each) != uid_of(virt_pod)
            and uid_of(each) not in self._issuing
            and not self._has(each)
        )
        most = min(TOGETHER, TOKENS_TOGETHER // len(token_wishes(virt_pod)))
        return list(islice(fit, max(most - 1, 0)))

    def _has(self, virt_pod: Obj) -> bool:
        meta = virt_pod["metadata"]
        place = meta["namespace"], meta["name"], meta["uid"]
        return self._world.tokens.secret_of(*place) is not None

    async def _keep(self, name: str, member: Member) -> float:
        """Write what the Secret lacks of the member's tokens, and all of it when it is time."""
        async with self._writing(name):
            secret, now = self._secret(name), self._clock()
            if secret is None:
                return await self._write(name, None, [member])
            renew_at = _seconds(annotation(secret, RENEW_AT))
            # Farther off than any is planned: the clock was ahead then.
            fresh = now < renew_at <= now + LONGEST_USE
            if fresh and set(member.keys.values()) <= (secret.get("data") or {}).keys():
                return renew_at - now
            if fresh:
                return await self._write(name, secret, [member], renew_at)
            return await self._write(name, secret, [member, *self._others(secret, member)])

    def _others(self, secret: Obj, member: Member) -> list[Member]:
        """Return the other pods in a Secret that need their tokens for longer."""
        key, found = virtual_key(secret), []
        for name, uid in holders(secret).items():
            if key is None or uid == uid_of(member.virt_pod):
                continue
            pod = Key("pods", key.namespace, name)
            virt_pod, host_pod = self._world.virt_object(pod), self._world.host_object(pod)
            if virt_pod is None or not self._world.pods.wanted(uid):
                continue
            places = {} if host_pod is None else token_places(virt_pod, host_pod)
            keys = _member(virt_pod).keys | {wish: each.key for wish, each in places.items()}
            found.append(Member(virt_pod, keys))
        return found

    async def _write(
        self, name: str, secret: Obj | None, members: list[Member], renew_at: float = math.inf
    ) -> float:
        """Fill a Secret with new tokens; return seconds until they are to be renewed.

        Where the first one gets none, nothing is written. What lies there for pods that are not
        among the members stays, unless they are gone.
        """
        now = self._clock()
        asked = await asyncio.gather(
            *(self._ask(member, now) for member in members), return_exceptions=True
        )
        held: dict[str, str] = {}
        data: dict[str, str | None] = {}
        for member, answer in zip(members, asked, strict=True):
            if member is not members[0] and isinstance(answer, NotFound if secret else ApiError):
                continue  # gone meanwhile; or it has its own turn, and the error with it
            if isinstance(answer, BaseException):
                raise answer
            meta = member.virt_pod["metadata"]
            held[meta["name"]] = meta["uid"]
            data |= answer[0]
            renew_at = min(renew_at, answer[1])
        pod = translate.key(members[0].virt_pod)
        if secret is None:
            obj = self._new_secret(name, members[0].virt_pod)
            obj["data"] = data
            obj["metadata"]["annotations"] |= _notes(held, renew_at)
            written = await self._host.create(SECRETS, self._world.ident.host_namespace, obj)
        else:
            before = holders(secret)
            there = {each: uid for each, uid in before.items() if self._world.pods.lives(uid)}
            gone = set(before.values()) - set(there.values()) - set(held.values())
            data |= {key: None for key in secret.get("data") or () if key.partition(".")[0] in gone}
            change: Obj = {
                "data": data,
                "metadata": {"annotations": _notes(there | held, renew_at)},
            }
            written = await self._host.patch(SECRETS, secret, change)
            self.renewed += len(held)
            log.info(
                "tokens renewed",
                virt_namespace=pod.namespace,
                virt_name=pod.name,
                pods=len(held),
            )
        self._world.host["secrets"].put_written(slim(written))
        return renew_at - now

    async def _ask(self, member: Member, now: float) -> tuple[dict[str, str], float]:
        data, renew_at = {}, math.inf
        for wish in token_wishes(member.virt_pod):
            token, life = await request(self._virt, member.virt_pod, wish)
            self.issued += 1
            data[member.keys[wish.key]] = base64.b64encode(token.encode()).decode()
            renew_at = min(renew_at, now + min(life * RENEW_SHARE, LONGEST_USE))
        return data, renew_at

    def _secret(self, name: str) -> Obj | None:
        return self._world.host["secrets"].get(self._world.ident.host_namespace, name)

    def _new_secret(self, name: str, virt_pod: Obj) -> Obj:
        """Return it without its content."""
        ident, meta = self._world.ident, virt_pod["metadata"]
        key = Key(KIND, meta["namespace"], meta["name"])
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": name,
                "namespace": ident.host_namespace,
                "labels": ident.labels(key.namespace, None),
                "annotations": ident.marks(key, meta["uid"]),
                "ownerReferences": [ident.owner()],
            },
            "type": "Opaque",
        }


def _member(virt_pod: Obj) -> Member:
    return Member(virt_pod, {wish.key: wish.key for wish in token_wishes(virt_pod)})


def _group(virt_pod: Obj) -> tuple[str, str, list[tuple[str, int]]]:
    """Return what pods have to have in common for their tokens to lie in one Secret."""
    wishes = [(wish.audience, wish.seconds) for wish in token_wishes(virt_pod)]
    return virt_pod["metadata"]["namespace"], account(virt_pod), wishes


def _notes(held: dict[str, str], renew_at: float) -> dict[str, str]:
    return {HELD: orjson.dumps(held).decode(), RENEW_AT: str(int(renew_at))}


def _seconds(note: str) -> float:
    """Return the time that the note says, or the past when somebody has spoilt it."""
    try:
        seconds = float(note)
    except ValueError:
        return 0.0
    return seconds if math.isfinite(seconds) else 0.0
