"""One form of a case, the bad one or the allowed one; and objects, compared."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from tests.e2e.cluster import Obj
from tests.escapes.case import Step
from tests.escapes.snapshot import MAKERS, Snapshot


@dataclass
class Form:
    """One form of a case: the bad one or the allowed one."""

    sent: tuple[Obj, ...]
    facts: dict[str, str]
    steps: tuple[Step, ...]
    judged: Obj = field(default_factory=dict)
    acted: bool = False
    problem: str = ""

    def pods(self, seen: Snapshot) -> list[Obj]:
        """Return the pods of an object that makes them."""
        name = self.facts["name"]
        return [
            pod
            for pod in seen.virt_pods
            if (pod["metadata"].get("labels") or {}).get("escape") == name
        ]

    def uids(self, seen: Snapshot) -> list[str]:
        """Return the UIDs of the virtual objects that are judged."""
        if not self.judged:
            return []
        if self.judged["kind"] in MAKERS:
            return [pod["metadata"]["uid"] for pod in self.pods(seen)]
        return [self.judged["metadata"]["uid"]]

    def twin(self, seen: Snapshot) -> Obj:
        """Return the host object, if there is one."""
        return next((seen.twins[uid] for uid in self.uids(seen) if uid in seen.twins), {})

    def warned(self, seen: Snapshot) -> set[str]:
        """Return the reasons of the Warnings."""
        return {reason for uid in self.uids(seen) for reason in seen.warned.get(uid, ())}


def found_in(seen: Snapshot, before: Obj) -> Obj | None:
    """Return an object as it is now."""
    meta = before["metadata"]
    return next(
        (
            each
            for each in seen.host.get(before["kind"], ())
            if each["metadata"]["name"] == meta["name"]
        ),
        None,
    )


def same(before: Obj, after: Obj | None) -> bool:
    """Tell whether an object of somebody else's is what it was; its status is the host's affair."""
    return after is not None and _content(before) == _content(after)


def _content(obj: Obj) -> str:
    meta = {
        key: value
        for key, value in obj["metadata"].items()
        if key not in ("resourceVersion", "managedFields", "generation", "annotations")
    }
    notes = {
        key: value
        for key, value in (obj["metadata"].get("annotations") or {}).items()
        if not key.startswith(("pv.kubernetes.io/", "volume.", "endpoints.kubernetes.io/"))
    }
    rest = {
        key: value for key, value in obj.items() if key not in ("metadata", "status", "apiVersion")
    }
    return json.dumps({**rest, "metadata": meta, "notes": notes}, sort_keys=True)


def brief(twin: Obj) -> str:
    """Return the start of an object, for the table's notes."""
    text = {
        key: twin.get(key)
        for key in ("kind", "type", "spec", "subsets", "endpoints")
        if twin.get(key)
    }
    meta = {key: twin["metadata"].get(key) for key in ("name", "labels", "annotations")}
    return json.dumps({"metadata": meta, **text})[:700]
