"""The watches: which resource types of which side fill which store, and when all are complete."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import NamedTuple

import structlog

from syncer.kube.client import Client
from syncer.kube.objects import Key, Obj, annotation, is_deleting, uid_of
from syncer.kube.reflector import LONGEST_PAUSE, History, Reflector
from syncer.kube.resources import (
    CONFIGMAPS,
    ENDPOINTS,
    EVENTS,
    NODES,
    PODS,
    SECRETS,
    VOLUMES,
    Resource,
)
from syncer.kube.store import Change, Store
from syncer.state import deletion_brake
from syncer.state.cluster import World
from syncer.state.token_index import slim
from syncer.sync.datastore_identity import DatastoreIdentity
from syncer.sync.kinds import KINDS
from syncer.translate import certificates, nodes, persistentvolumes
from syncer.translate.classes import CLASSES

log = structlog.get_logger()
VIRT_PAUSE = 2.0  # k3s is in the same pod and restarts within seconds


class Stores(NamedTuple):
    """The stores that are not of the world."""

    endpoints: Store
    """`default/kubernetes` of the virtual cluster."""
    anchor: Store
    replicas: Store | None
    """The host's Endpoints of our Service, where there are several replicas."""


class Informer(NamedTuple):
    """A row of the table of informers: what of which side fills which store."""

    side: str
    resource: Resource
    store: Store
    namespace: str = ""
    selector: str = ""
    fields: str = ""
    keep: Callable[[Obj], Obj] | None = None
    braked: str = ""
    """The kind whose objects the brake is asked about when they are missing from a list."""


def informers(
    world: World,
    kinds: frozenset[str],
    stores: Stores,
    node_selector: str = "",
) -> Iterator[Informer]:
    """Yield what is watched for these kinds."""
    ident = world.ident
    ours = ident.host_namespace
    synced = {name: kind.resource for name, kind in KINDS.items() if name in kinds}
    synced["pods"] = PODS
    for name, resource in {**synced, "nodes": NODES}.items():
        yield Informer("virt", resource, world.virt[name], braked=name)
    yield from _shown(world, kinds)
    for name, resource in synced.items():
        keep = slim if name == "secrets" else None
        yield Informer("host", resource, world.host[name], ours, selector=ident.selector, keep=keep)
    yield Informer("host", EVENTS, world.host["events"], ours)
    if "nodes" in kinds:
        store = world.host["nodes"]
        yield Informer("host", NODES, store, selector=node_selector, keep=nodes.shown)
    api = "metadata.name=kubernetes"
    yield Informer("virt", ENDPOINTS, stores.endpoints, "default", fields=api)
    if stores.replicas is not None:
        own = f"metadata.name={ident.release}"
        yield Informer("host", ENDPOINTS, stores.replicas, ours, fields=own)
    if certificates.needs(kinds):
        tls = f"type={certificates.TLS}"
        yield Informer("host", SECRETS, world.certificates, ours, fields=tls)
    anchor = f"metadata.name={ident.anchor}"
    yield Informer("host", CONFIGMAPS, stores.anchor, ours, fields=anchor)


def _shown(world: World, kinds: frozenset[str]) -> Iterator[Informer]:
    """Yield the watches of what is shown. Without a brake: what is missing is shown again."""
    resources = {name: kind.resource for name, kind in CLASSES.items() if name in kinds}
    if "persistentvolumeclaims" in kinds:
        resources["persistentvolumes"] = VOLUMES
    for name, resource in resources.items():
        yield Informer("virt", resource, world.shown[name].virt)
        if name in kinds:
            keep = persistentvolumes.slim if name == "persistentvolumes" else None
            yield Informer("host", resource, world.shown[name].host, keep=keep)


class Sources:
    """All reflectors of one virtual cluster."""

    def __init__(
        self,
        world: World,
        virt: Client,
        host: Client,
        kinds: frozenset[str],
        endpoints: Store,
        node_selector: str = "",
        replicas: Store | None = None,
    ) -> None:
        self.world = world
        self.uninstalling = False
        self.datastore = DatastoreIdentity(world, virt, host)
        self.on_hold: Callable[[set[Key], str], None] = lambda _keys, _why: None
        self.on_confirm: Callable[[], None] = lambda: None
        self.history = History()
        stores = Stores(endpoints, Store(), replicas)
        stores.anchor.listen(self._anchor_changed)
        clients = {"virt": virt, "host": host}
        self.reflectors = [
            self._reflector(clients[informer.side], informer)
            for informer in informers(world, kinds, stores, node_selector)
        ]

    def _reflector(self, client: Client, informer: Informer) -> Reflector:
        virtual, braked = informer.side == "virt", bool(informer.braked)
        return Reflector(
            client,
            informer.resource,
            informer.store,
            namespace=informer.namespace,
            selector=informer.selector,
            fields=informer.fields,
            keep=informer.keep,
            guard=self.datastore.check_cluster if virtual else None,
            longest_pause=VIRT_PAUSE if virtual else LONGEST_PAUSE,
            on_missing=self._missing(informer.braked) if braked else None,
            history=self.history if braked else None,
        )

    async def synced(self) -> None:
        """Return when every store has had a complete list."""
        for reflector in self.reflectors:
            await reflector.synced.wait()

    def trouble(self) -> str:
        """Return what the first reflector that is not synced complains of; empty when all are."""
        for each in self.reflectors:
            if not each.synced.is_set():
                what = f"{each.client.side} {each.resource.plural}"
                return f"waiting for {what}: {each.trouble or 'first list'}"
        return ""

    def stale(self, side: str) -> str:
        """Return what of a side is not known any more, and why; empty when all is fresh."""
        stale = {
            each.resource.plural: reason
            for each in self.reflectors
            if each.client.side == side and (reason := each.freshness.stale())
        }
        return f"{', '.join(stale)}: {next(iter(stale.values()))}" if stale else ""

    def _missing(self, kind: str) -> Callable[[list[Obj], int], None]:
        def missing(objects: list[Obj], behind: int) -> None:
            keys = {
                Key(kind, obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
                for obj in objects
            }
            if behind > deletion_brake.BEHIND:
                why = f"the datastore has gone back by {behind} commits: is it a restored copy?"
            else:
                why = f"most virtual {kind} are missing from a list"
            if deletion_brake.holds(keys, len(keys) + len(self.world.virt[kind]), behind):
                self.on_hold(keys, why)

        return missing

    def _anchor_changed(self, change: Change) -> None:
        new = change.new
        # One of the same name and another UID belongs to the next installation.
        gone = new is None or is_deleting(new) or uid_of(new) != self.world.ident.uid
        if gone and not self.uninstalling:
            # The garbage collector removes all that the anchor owns; making anything again would
            # leave it behind.
            log.info("uninstall started", why="the anchor is gone")
        self.uninstalling = gone
        if new is not None and annotation(new, deletion_brake.CONFIRM) == "yes":
            # Also when nothing is held: a word that stays would decide about the next loss.
            self.on_confirm()


async def keep(sources: Sources) -> None:
    """Run all reflectors until cancelled."""
    async with asyncio.TaskGroup() as tasks:
        for reflector in sources.reflectors:
            tasks.create_task(reflector.run())
