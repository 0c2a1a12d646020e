"""Events about our host objects, told again on the virtual objects, host names cleaned out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from syncer import identity
from syncer.errors import AlreadyExists, Forbidden, NotFound
from syncer.kube.client import Client
from syncer.kube.objects import Key, Obj, ref_of, uid_of
from syncer.kube.recorder import event_name
from syncer.kube.resources import EVENTS
from syncer.kube.store import Change
from syncer.state.cluster import World
from syncer.sync.watches import Reconciler, Request, Watch
from syncer.translate import etc_hosts
from syncer.translate.messages import replacements, reworded

STORES = {
    "Pod": "pods",
    "Service": "services",
    "PersistentVolumeClaim": "persistentvolumeclaims",
    "Ingress": "ingresses",
}
COPIED = ("type", "reason", "firstTimestamp", "lastTimestamp", "count", "source", "eventTime")


class Told(NamedTuple):
    """What is remembered of a virtual event: there are several for each pod, for an hour."""

    namespace: str
    name: str
    uid: str
    times: int

    def as_object(self) -> Obj:
        """Return as much of the event as a patch of it needs."""
        return {"metadata": {"namespace": self.namespace, "name": self.name, "uid": self.uid}}


class EventMirror(Reconciler):
    """Reconciles host events; their keys name the *host* event: no virtual one exists before."""

    kind = "events"

    def __init__(self, world: World, virt: Client) -> None:
        self.world = world
        self.virt = virt
        self._told: dict[str, Told] = {}
        """Virtual events as last written, by the digest of the host event."""

    def watches(self) -> Iterator[Watch]:
        """Yield the host's events."""
        yield Watch(self.world.host["events"], self._changed, "the host's event changed")

    def _changed(self, change: Change) -> Iterator[Request]:
        if change.new is not None:
            # Always behind everything else: news about an object must not hold up the object.
            yield Request(Key("events", *ref_of(change.new)), news=True)
        elif change.old is not None:
            self.forget(change.old)

    async def begin(self) -> Iterable[Key]:
        """Learn which events the virtual cluster has, so that a restart repeats none."""
        async for page in self.virt.pages(EVENTS, selector=self.world.ident.selector):
            for event in page.items:
                self._remember(event)
        return ()

    async def reconcile(self, key: Key) -> None:
        """Write or bump the virtual event of one host event."""
        store = self.world.host["events"]
        host_event = store.get(key.namespace, key.name)
        if host_event is None or "involvedObject" not in host_event:
            return  # gone: the virtual one ends by its own time to live; or told already
        await self._tell(host_event)
        store.fade(host_event)

    async def _tell(self, host_event: Obj) -> None:
        found = self._involved(host_event)
        if found is None or _of_ours(host_event):
            return
        event = self._event(host_event, *found)
        namespace, name = event["metadata"]["namespace"], event["metadata"]["name"]
        told = self._told.get(_digest(host_event))
        if told is None:
            try:
                self._remember(await self.virt.create(EVENTS, namespace, event))
            except AlreadyExists:
                self._remember(await self.virt.get(EVENTS, namespace, name))
            except (Forbidden, NotFound):
                return  # the namespace is on its way out: nobody is left to tell
            return
        if told.times == event.get("count", 1) or host_event.get("series"):
            return
        change = {field: event[field] for field in ("count", "lastTimestamp", "message")}
        try:
            self._remember(await self.virt.patch(EVENTS, told.as_object(), change))
        except NotFound:
            del self._told[_digest(host_event)]

    def forget(self, host_event: Obj) -> None:
        """Drop what is remembered of a host event that is gone."""
        self._told.pop(_digest(host_event), None)

    def _remember(self, event: Obj) -> None:
        meta = event["metadata"]
        told = Told(meta["namespace"], meta["name"], meta["uid"], event.get("count", 1))
        self._told[meta["name"].rpartition(".")[2]] = told

    def _involved(self, host_event: Obj) -> tuple[Obj, Obj] | None:
        """Return the virtual and the host object that an event is about, if it is one of ours."""
        involved = host_event["involvedObject"]
        kind = STORES.get(involved.get("kind", ""))
        if kind is None or kind not in self.world.host:
            return None
        host_obj = self.world.host[kind].get(involved.get("namespace", ""), involved["name"])
        if host_obj is None or involved.get("uid") != uid_of(host_obj):
            return None
        if self.world.scope.virtual_scheduler and host_event.get("reason") == "Scheduled":
            return None  # the virtual scheduler has said so itself
        virt_obj = self.world.original(kind, host_obj)
        return (virt_obj, host_obj) if virt_obj is not None else None

    def _event(self, host_event: Obj, virt_obj: Obj, host_obj: Obj) -> Obj:
        involved, (namespace, name) = host_event["involvedObject"], ref_of(virt_obj)
        message = host_event.get("message", "")
        about = {
            **{field: involved[field] for field in ("apiVersion", "kind") if field in involved},
            "namespace": namespace,
            "name": name,
            "uid": uid_of(virt_obj),
        }
        if involved.get("fieldPath"):
            about["fieldPath"] = involved["fieldPath"]
        event: Obj = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": event_name(name, _digest(host_event)),
                "namespace": namespace,
                "labels": {identity.MANAGED_BY: self.world.ident.release},
            },
            "involvedObject": about,
            "message": clean(message, host_obj, virt_obj, self.world),
            **{field: host_event[field] for field in COPIED if host_event.get(field)},
        }
        # events.k8s.io writes neither of these on the host; kubectl sorts and counts by them.
        event.setdefault("count", 1)
        stamp = host_event.get("eventTime") or host_event["metadata"].get("creationTimestamp")
        stamp = stamp and stamp[:19] + "Z"
        event.setdefault("firstTimestamp", stamp)
        event.setdefault("lastTimestamp", stamp)
        event.pop("eventTime", None)  # would make reportingInstance and action mandatory
        if host_event.get("reportingComponent"):
            event.setdefault("source", {"component": host_event["reportingComponent"]})
            event["reportingComponent"] = host_event["reportingComponent"]
        return event


def clean(text: str, host_obj: Obj, virt_obj: Obj, world: World) -> str:
    """Return a host's message in virtual terms: its names, UIDs and namespaces replaced."""
    return str(reworded(text, replacements(host_obj, virt_obj, world.ident)))


def _of_ours(host_event: Obj) -> bool:
    """Tell whether an event is everyday news of a container that the tenant did not ask for.

    That it does not start is the tenant's business all the same: the pod waits for it.
    """
    path = host_event["involvedObject"].get("fieldPath", "")
    return etc_hosts.CONTAINER in path and host_event.get("type") != "Warning"


def _digest(host_event: Obj) -> str:
    return hashlib.sha256(uid_of(host_event).encode()).hexdigest()[:16]
