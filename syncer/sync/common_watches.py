"""Watches that several kinds have in common: of both sides, and of what objects name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from syncer.identity import virtual_key
from syncer.kube.objects import Key, Obj, ref_of
from syncer.kube.store import Change
from syncer.state.cluster import World
from syncer.sync.kinds import NEEDED_BY_PODS
from syncer.sync.watches import Request, Watch

NAMED = (*NEEDED_BY_PODS, "persistentvolumeclaims")
"""Kinds that other objects name, and wait for."""


def twin_key(kind: str, change: Change) -> Key | None:
    """Return the virtual key of a host object that is a twin of this kind, else None."""
    key = virtual_key(change.obj)
    return key if key is not None and key.kind == kind else None


def both_sides(
    world: World, kind: str, *, ahead: Callable[[Obj | None], bool] = lambda _host_obj: False
) -> Iterator[Watch]:
    """Yield the watches of a kind's own objects; `ahead` tells which twins overtake others."""

    def virtual(change: Change) -> Iterator[Request]:
        yield Request(Key(kind, *ref_of(change.obj)), backlog=change.initial)

    def host(change: Change) -> Iterator[Request]:
        key = twin_key(kind, change)
        if key is not None:
            overtakes = not change.initial and ahead(change.new)
            yield Request(key, backlog=change.initial, ahead=overtakes)

    def freed(change: Change) -> Iterator[Request]:
        if change.new is None and twin_key(kind, change) is not None:
            waiting = world.room.freed(kind)
            if waiting is not None:
                yield Request(waiting)

    yield Watch(world.virt[kind], virtual, "the virtual object changed")
    yield Watch(world.host[kind], freed, "there is a place on the host again")
    yield Watch(world.host[kind], host, "its twin changed")


def named(world: World, owner: str, names: Callable[[Obj], set[Key]]) -> Iterator[Watch]:
    """Yield the watches that keep what objects of the kind `owner` name, in both directions."""

    def virtual(change: Change) -> Iterator[Request]:
        key = Key(owner, *ref_of(change.obj))
        if change.new is None and world.host_object(key) is not None:
            return  # what a host pod may still use stays as long as it does
        found = names(change.new) if change.new is not None else set()
        for each in world.references.set(key, found):
            yield Request(each, backlog=change.initial)

    def host(change: Change) -> Iterator[Request]:
        key = twin_key(owner, change)
        if key is not None and change.new is None and world.virt_object(key) is None:
            for each in world.references.set(key, set()):
                yield Request(each, backlog=change.initial)

    def arrived(kind: str, change: Change) -> Iterator[Request]:
        key = twin_key(kind, change)
        if key is not None and change.old is None:
            for each in world.references.owners(key):
                if each.kind == owner:
                    yield Request(each, backlog=change.initial)

    yield Watch(world.virt[owner], virtual, f"{owner} name it, or no longer")
    yield Watch(world.host[owner], host, f"{owner} named it, and are gone")
    for kind in NAMED:
        yield Watch(world.host[kind], partial(arrived, kind), "what it names is there")
