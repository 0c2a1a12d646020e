"""The watches: which resource types of which side fill which store, and when all are complete."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import structlog

from syncer.errors import OtherCluster
from syncer.identity import RESERVED, UID, tenant_key, virtual_key
from syncer.kube.client import Client
from syncer.kube.objects import Key, Obj, annotation, is_deleting, uid_of
from syncer.kube.reflector import History, Reflector
from syncer.kube.resources import (
    CONFIGMAPS,
    ENDPOINTS,
    EVENTS,
    NAMESPACES,
    NODES,
    PODS,
    SECRETS,
    VOLUMES,
    Resource,
)
from syncer.kube.store import Store
from syncer.state import deletion_brake
from syncer.state.cluster import DNS_SERVICE, World
from syncer.sync.generic import NEEDED_BY_PODS
from syncer.sync.kinds import KINDS
from syncer.sync.pods import tokens
from syncer.translate import certificates, nodes, persistentvolumes
from syncer.translate.classes import CLASSES

log = structlog.get_logger()
ANCHOR_KEY = Key("anchor", "", "")
VIRT_PAUSE = 2.0  # k3s is in the same pod and restarts within seconds


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
        self.virt = virt
        self.host = host
        self.uninstalling = False
        self.virt_uid = ""
        self._exchanged = self._foreign = ""
        self.decided = False
        """The operator has said before this start that orphans may go."""
        self.restored = False
        """The datastore is a restored one, and what is newer on the host may still be there."""
        self.on_hold: Callable[[set[Key], str], None] = lambda _keys, _why: None
        self.on_confirm: Callable[[], None] = lambda: None
        resources: dict[str, Resource] = {
            name: kind.resource for name, kind in KINDS.items() if name in kinds
        }
        resources["pods"] = PODS
        ident = world.ident
        self.history = History()
        self.reflectors = [
            Reflector(
                virt,
                resource,
                world.virt[name],
                guard=self.check_cluster,
                longest_pause=VIRT_PAUSE,
                on_missing=self._missing(name),
                history=self.history,
            )
            for name, resource in {**resources, "nodes": NODES}.items()
        ]
        self.reflectors += self._shown(kinds)
        self.reflectors += [
            Reflector(
                host,
                resource,
                world.host[name],
                namespace=ident.host_namespace,
                selector=ident.selector,
                keep=tokens.slim if name == "secrets" else None,
            )
            for name, resource in resources.items()
        ]
        self.reflectors.append(
            Reflector(
                host,
                EVENTS,
                world.host["events"],
                namespace=ident.host_namespace,
            )
        )
        if "nodes" in kinds:
            self.reflectors.append(
                Reflector(
                    host, NODES, world.host["nodes"], selector=node_selector, keep=nodes.shown
                )
            )
        self.reflectors.append(
            Reflector(
                virt,
                ENDPOINTS,
                endpoints,
                namespace="default",
                fields="metadata.name=kubernetes",
                guard=self.check_cluster,
                longest_pause=VIRT_PAUSE,
            )
        )
        if replicas is not None:
            self.reflectors.append(
                Reflector(
                    host,
                    ENDPOINTS,
                    replicas,
                    namespace=ident.host_namespace,
                    fields=f"metadata.name={ident.release}",
                )
            )
        if certificates.needs(kinds):
            self.reflectors.append(
                Reflector(
                    host,
                    SECRETS,
                    world.certificates,
                    namespace=ident.host_namespace,
                    fields=f"type={certificates.TLS}",
                )
            )
        self.anchor = Store()
        self.anchor.listen(self._anchor_changed)
        self.reflectors.append(
            Reflector(
                host,
                CONFIGMAPS,
                self.anchor,
                namespace=ident.host_namespace,
                fields=f"metadata.name={ident.anchor}",
            )
        )

    def _shown(self, kinds: frozenset[str]) -> Iterator[Reflector]:
        """Yield the watches of what is shown. Without a brake: what is missing is shown again."""
        resources = {name: kind.resource for name, kind in CLASSES.items() if name in kinds}
        if "persistentvolumeclaims" in kinds:
            resources["persistentvolumes"] = VOLUMES
        for name, resource in resources.items():
            stores = self.world.shown[name]
            yield Reflector(
                self.virt,
                resource,
                stores.virt,
                guard=self.check_cluster,
                longest_pause=VIRT_PAUSE,
            )
            if name in kinds:
                keep = persistentvolumes.slim if name == "persistentvolumes" else None
                yield Reflector(self.host, resource, stores.host, keep=keep)

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

    def mismatch(self) -> bool:
        """Tell whether the datastore is another than that which the host objects come from."""
        return bool(self.strange)

    def stale(self, side: str) -> str:
        """Return what of a side is not known any more, and why; empty when all is fresh."""
        stale = {
            each.resource.plural: reason
            for each in self.reflectors
            if each.client.side == side and (reason := each.freshness.stale())
        }
        return f"{', '.join(stale)}: {next(iter(stale.values()))}" if stale else ""

    @property
    def strange(self) -> str:
        """Why the datastore is not the one whose objects the host has; empty when it is."""
        return self._exchanged or self._foreign

    async def check_cluster(self) -> None:
        """Raise OtherCluster unless the virtual API serves the cluster that it served at start.

        An empty or exchanged datastore must never look like "the tenant deleted everything".
        """
        system = await self.virt.get(NAMESPACES, "", "kube-system")
        uid = system["metadata"]["uid"]
        if not self.virt_uid:
            self.virt_uid = uid
        elif uid != self.virt_uid:
            self._exchanged = (
                "the virtual cluster's datastore was exchanged: restart the pods of"
                f" {self.world.ident.release} to have it looked at"
            )
            raise OtherCluster(self._exchanged)
        self._exchanged = ""

    async def recognise(self, *, accept: bool) -> bool:
        """Tell whether the host objects come from this datastore; note it on the anchor if so."""
        await self.check_cluster()
        ident = self.world.ident
        anchor = await self.host.get(CONFIGMAPS, ident.host_namespace, ident.anchor)
        known = annotation(anchor, deletion_brake.CLUSTER)
        confirmed = annotation(anchor, deletion_brake.CONFIRM) == "yes"
        self.decided = accept or confirmed
        self.restored = (
            not self.decided and annotation(anchor, deletion_brake.RESTORED) == self.virt_uid
        )
        known_to_be_another = bool(known) and known != self.virt_uid
        if known_to_be_another and not self.decided and not self.restored:
            self._foreign = (
                "this datastore is not the one that the host objects came from, and none of them"
                f" is deleted: {deletion_brake.cure(ident.anchor)} if they may go"
            )
            return False
        if known != self.virt_uid or confirmed:
            await self._note(anchor)
        return True

    async def note_cluster(self, _key: Key) -> None:
        """Note on the anchor that the operator's word was taken: the next brake asks again."""
        ident = self.world.ident
        self.restored = False
        await self._note(await self.host.get(CONFIGMAPS, ident.host_namespace, ident.anchor))

    async def _note(self, anchor: Obj) -> None:
        notes = {deletion_brake.CLUSTER: self.virt_uid, deletion_brake.CONFIRM: None}
        if not self.restored:
            notes[deletion_brake.RESTORED] = None
        await self.host.patch(CONFIGMAPS, anchor, {"metadata": {"annotations": notes}})
        self._foreign = ""

    def orphans(self) -> set[Key]:
        """Return the keys of host objects without a virtual twin."""
        return {
            key
            for key in self.twins()
            if key.kind in self.world.virt and self.world.virt_object(key) is None
        }

    def newer(self) -> set[Key]:
        """Return the keys of twins that a restored datastore knows not, or not with this UID.

        Copies of ConfigMaps and Secrets are not among them: they go with whoever needs them. Nor is
        the virtual cluster's own DNS, which a fresh installation has before anything is restored.
        """
        return {
            key
            for kind, store in self.world.host.items()
            for host_obj in store
            if (key := virtual_key(host_obj)) is not None
            and key.kind == kind
            and kind not in NEEDED_BY_PODS
            and annotation(host_obj, UID) != RESERVED
            and not _is_dns(key, host_obj)
            and self.world.original(kind, host_obj) is None
        }

    def twins(self) -> set[Key]:
        """Return the keys of all host objects."""
        return {
            key
            for store in self.world.host.values()
            for host_obj in store
            if (key := virtual_key(host_obj)) is not None
        }

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

    def _anchor_changed(self, _old: Obj | None, new: Obj | None, _backlog: bool) -> None:  # noqa: FBT001
        # One of the same name and another UID belongs to the next installation.
        gone = new is None or is_deleting(new) or uid_of(new) != self.world.ident.uid
        if gone and not self.uninstalling:
            # The garbage collector removes all that the anchor owns; making anything again would
            # leave it behind.
            log.info("uninstalling", why="the anchor is gone")
        self.uninstalling = gone
        if new is not None and annotation(new, deletion_brake.CONFIRM) == "yes":
            # Also when nothing is held: a word that stays would decide about the next loss.
            self.on_confirm()


def _is_dns(key: Key, host_obj: Obj) -> bool:
    labels = host_obj["metadata"].get("labels") or {}
    mine = key.kind == "pods" and labels.get(tenant_key("k8s-app")) == DNS_SERVICE.name
    return key == DNS_SERVICE or (mine and key.namespace == DNS_SERVICE.namespace)


async def keep(sources: Sources) -> None:
    """Run all reflectors until cancelled."""
    async with asyncio.TaskGroup() as tasks:
        for reflector in sources.reflectors:
            tasks.create_task(reflector.run())
