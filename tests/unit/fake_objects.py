"""What an API server does to objects, in memory: versions, UIDs, preconditions, addresses.

Only the behaviour that the syncer relies on, each piece as kube-apiserver 1.34 has it: a write that
changes nothing makes no new version, a patch or delete with another UID is a conflict, a merge
patch follows RFC 7386, a pod on a node is deleted gracefully, a Service gets a ClusterIP.
"""

from __future__ import annotations

import copy
import ipaddress
import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

from syncer.kube.objects import Obj
from tests.unit.fake_services import Addresses, Refusal, allocate, invalid

NOW = "2026-01-01T00:00:00Z"


class Place(NamedTuple):
    """Where an object stands."""

    plural: str
    namespace: str
    name: str


class Change(NamedTuple):
    """One entry of the history that watches read."""

    version: int
    plural: str
    old: Obj | None
    new: Obj | None


class Objects:
    """The datastore behind a fake API server."""

    def __init__(self, service_range: str = "10.96.0.0/24") -> None:
        self.all: dict[Place, Obj] = {}
        self.version = 100
        self.history: list[Change] = []
        self.compacted = 0
        """Watches and pages from before this version are Gone."""
        self.admission: list[Callable[[str, Obj], None]] = []
        """Called with (plural, object) before each create: may change it or raise Refusal."""
        self.listeners: list[Callable[[], None]] = []
        self._uids = itertools.count(1)
        self.addresses = Addresses(ipaddress.ip_network(service_range))
        self.uid_prefix = "uid"

    # --- reading

    def get(self, place: Place) -> Obj:
        if place not in self.all:
            raise Refusal(404, "NotFound", f'{place.plural} "{place.name}" not found')
        return self.all[place]

    def find(self, plural: str, namespace: str, name: str) -> Obj | None:
        return self.all.get(Place(plural, namespace, name))

    def of(self, plural: str, namespace: str = "") -> list[Obj]:
        return [
            obj
            for place, obj in sorted(self.all.items())
            if place.plural == plural and namespace in ("", place.namespace)
        ]

    # --- writing

    def create(self, plural: str, namespace: str, obj: Obj, *, dry_run: bool = False) -> Obj:
        obj = copy.deepcopy(obj)
        meta = obj.setdefault("metadata", {})
        if not meta.get("name"):
            meta["name"] = f"{meta['generateName']}{next(self._uids):05d}"
        place = Place(plural, namespace, meta["name"])
        if place in self.all:
            raise Refusal(409, "AlreadyExists", f'{plural} "{place.name}" already exists')
        if namespace:
            meta["namespace"] = namespace
        meta["uid"] = f"{self.uid_prefix}-{next(self._uids):06d}"
        meta["creationTimestamp"] = NOW
        for admit in self.admission:
            admit(plural, obj)
        if plural == "services":
            allocate(obj, None, self.of("services"), self.addresses, dry_run=dry_run)
        if plural in ("pods", "persistentvolumeclaims"):
            obj.setdefault("status", {"phase": "Pending"})
        if dry_run:
            return obj
        return self._commit(place, obj)

    def update(self, place: Place, obj: Obj) -> Obj:
        old = self.get(place)
        obj = copy.deepcopy(obj)
        self._check(old, obj["metadata"])
        if plural_has_status(place.plural):
            obj.pop("status", None)
            if "status" in old:
                obj["status"] = copy.deepcopy(old["status"])
        return self._change(place, old, obj)

    def patch(self, place: Place, patch: Obj, sub: str = "", *, strategic: bool = False) -> Obj:
        old = self.get(place)
        self._check(old, patch.get("metadata") or {})
        if plural_has_status(place.plural):
            allowed = (
                ("status", "metadata") if sub == "status" else tuple(patch.keys() - {"status"})
            )
            patch = {field: patch[field] for field in allowed if field in patch}
        new = merged(copy.deepcopy(old), copy.deepcopy(patch), strategic=strategic)
        new["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"]
        if place.plural == "pods" and not sub:
            _check_pod_update(old, new)
        return self._change(place, old, new)

    def delete(self, place: Place, options: Obj | None = None) -> Obj:
        old, options = self.get(place), options or {}
        self._check(old, options.get("preconditions") or {})
        grace = options.get("gracePeriodSeconds")
        if place.plural == "pods":
            if grace is None:
                grace = old["spec"].get("terminationGracePeriodSeconds", 30)
            if not old["spec"].get("nodeName"):
                grace = 0
        else:
            grace = 0
        if grace or old["metadata"].get("finalizers"):
            new = copy.deepcopy(old)
            new["metadata"].setdefault("deletionTimestamp", NOW)
            new["metadata"]["deletionGracePeriodSeconds"] = grace
            return self._change(place, old, new)
        return self.remove(place)

    def remove(self, place: Place) -> Obj:
        """Let the object be gone, as after its grace period."""
        old = self.all.pop(place)
        self.version += 1
        gone = copy.deepcopy(old)
        gone["metadata"]["resourceVersion"] = str(self.version)
        self._publish(Change(self.version, place.plural, gone, None))
        return gone

    def forget(self, place: Place) -> None:
        """Lose an object without a trace, as a datastore restored from a backup does."""
        del self.all[place]

    def compact(self) -> None:
        """Make every version that anybody holds too old."""
        self.version += 1
        self.compacted = self.version
        self.history.clear()

    def bind(self, place: Place, binding: Obj) -> None:
        old = self.get(place)
        self._check(old, binding["metadata"])
        if "deletionTimestamp" in old["metadata"] or old["spec"].get("nodeName"):
            raise Refusal(409, "Conflict", f"pod {place.name} cannot be assigned to a host")
        new = copy.deepcopy(old)
        new["spec"]["nodeName"] = binding["target"]["name"]
        conditions = new.setdefault("status", {}).setdefault("conditions", [])
        conditions[:] = [each for each in conditions if each["type"] != "PodScheduled"]
        conditions.append({"type": "PodScheduled", "status": "True"})
        self._change(place, old, new)

    # --- inside

    def _check(self, old: Obj, said: Obj) -> None:
        meta = old["metadata"]
        for field in ("uid", "resourceVersion"):
            if said.get(field) and said[field] != meta[field]:
                raise Refusal(
                    409, "Conflict", f"{field} in precondition: {said[field]}, have {meta[field]}"
                )

    def _change(self, place: Place, old: Obj, new: Obj) -> Obj:
        new["metadata"]["uid"] = old["metadata"]["uid"]
        if place.plural == "services":
            allocate(new, old, self.of("services"), self.addresses, dry_run=False)
        if new == old:
            return old
        meta = new["metadata"]
        ends = "deletionTimestamp" in meta and meta.get("deletionGracePeriodSeconds") == 0
        if ends and not meta.get("finalizers"):
            return self.remove(place)
        return self._commit(place, new)

    def _commit(self, place: Place, obj: Obj) -> Obj:
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)
        old, self.all[place] = self.all.get(place), obj
        self._publish(Change(self.version, place.plural, old, obj))
        return obj

    def _publish(self, change: Change) -> None:
        self.history.append(change)
        for listener in self.listeners:
            listener()


def plural_has_status(plural: str) -> bool:
    return plural in (
        "pods",
        "services",
        "persistentvolumeclaims",
        "ingresses",
        "nodes",
        "persistentvolumes",
    )


MERGE_KEYS = {
    **dict.fromkeys(("containers", "initContainers", "ephemeralContainers", "env"), "name"),
    **dict.fromkeys(("podIPs", "hostIPs"), "ip"),
    "conditions": "type",
}
"""Lists that a strategic merge patch merges item by item; all others it replaces."""


def merged(target: Any, patch: Any, *, strategic: bool, field: str = "") -> Any:
    """Apply a merge patch, or a strategic one."""
    if isinstance(patch, list) and strategic and field in MERGE_KEYS:
        return _merged_list(target or [], patch, MERGE_KEYS[field])
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value, strategic=strategic, field=key)
    return result


def _merged_list(target: list[Obj], patch: list[Obj], by: str) -> list[Obj]:
    if {"$patch": "replace"} in patch:
        return [each for each in patch if "$patch" not in each]
    items = {each[by]: each for each in target}
    for each in patch:
        if each.get("$patch") == "delete":
            items.pop(each[by], None)
        else:
            items[each[by]] = merged(items.get(each[by]), each, strategic=True)
    return list(items.values())


def _check_pod_update(old: Obj, new: Obj) -> None:
    """Refuse what no pod update may change: everything but images, deadline and tolerations."""

    def fixed(pod: Obj) -> Obj:
        mutable = ("activeDeadlineSeconds", "tolerations", "containers", "initContainers")
        return {key: value for key, value in pod["spec"].items() if key not in mutable}

    if fixed(old) != fixed(new):
        raise invalid(
            old["metadata"]["name"],
            "spec: Forbidden: pod updates may not change fields other than images,"
            " activeDeadlineSeconds and tolerations",
        )
