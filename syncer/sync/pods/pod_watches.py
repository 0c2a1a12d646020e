"""What queues pods besides their own changes and those of what they name."""

from __future__ import annotations

from collections.abc import Iterator

from syncer.identity import DNS_SERVICE, virtual_key
from syncer.kube.objects import Key
from syncer.kube.store import Change
from syncer.state.cluster import World
from syncer.state.token_index import holders
from syncer.sync.watches import Request, Watch
from syncer.translate import pods as translate


def tokens(world: World) -> Iterator[Watch]:
    """Yield the watch of Secrets with tokens: one that was changed is repaired by its pods."""

    def changed(change: Change) -> Iterator[Request]:
        key, held = virtual_key(change.obj), holders(change.obj)
        if key is None or (change.old is None and not change.initial):
            return  # what has just been made, we have made
        for name, uid in held.items():
            # Pods that are gone were done with before; after a start, there may be leftovers.
            if change.initial or world.pods.lives(uid):
                yield Request(Key("pods", key.namespace, name), backlog=change.initial)

    yield Watch(world.host["secrets"], changed, "the Secret with its tokens changed")


def dns(world: World) -> Iterator[Watch]:
    """Yield the watch of the DNS service: each pod needs its address before it is made."""

    def arrived(change: Change) -> Iterator[Request]:
        if change.old is not None or virtual_key(change.obj) != DNS_SERVICE:
            return
        for pod in world.virt["pods"]:
            key = translate.key(pod)
            if world.host_object(key) is None:
                yield Request(key)

    yield Watch(world.host["services"], arrived, "the DNS service is there")
