"""One open watch of a fake API server: which changes it shows, and as what."""

from __future__ import annotations

import orjson

from syncer.kube.objects import Obj
from tests.unit.fake_objects import Change


class Watch:
    """One open watch."""

    def __init__(self, plural: str, namespace: str, query: dict[str, str], since: int) -> None:
        self.plural = plural
        self.namespace = namespace
        self.query = query
        self.since = since
        self.ending = False
        self.lines: list[bytes] = []

    def take(self, history: list[Change]) -> list[bytes]:
        """Return the lines that have not been sent yet."""
        lines = [
            line
            for change in history
            if change.version > self.since and change.plural == self.plural
            if (line := self._line(change)) is not None
        ]
        if history:
            self.since = max(self.since, history[-1].version)
        lines += self.lines
        self.lines = []
        return lines

    def _line(self, change: Change) -> bytes | None:
        """Return how this watch sees a change: what its selectors lose is DELETED to it."""
        before, after = self._picks(change.old), self._picks(change.new)
        if not before and not after:
            return None
        kind = "MODIFIED" if before and after else "ADDED" if after else "DELETED"
        obj = dict(change.new or change.old or {})
        obj["metadata"] = {**obj["metadata"], "resourceVersion": str(change.version)}
        return orjson.dumps({"type": kind, "object": obj})

    def _picks(self, obj: Obj | None) -> bool:
        return (
            obj is not None
            and self.namespace in ("", obj["metadata"].get("namespace", ""))
            and selected(obj, self.query)
        )


def selected(obj: Obj, query: dict[str, str]) -> bool:
    """Tell whether the query's selectors pick the object (equality only)."""
    meta = obj["metadata"]
    labels = meta.get("labels") or {}
    pairs = [each.split("=") for each in query.get("labelSelector", "").split(",") if each]
    fields = [each.split("=") for each in query.get("fieldSelector", "").split(",") if each]
    have = {"metadata.name": meta["name"], "metadata.namespace": meta.get("namespace", "")}
    have["type"] = obj.get("type", "")  # of Secrets and Events
    have["involvedObject.uid"] = (obj.get("involvedObject") or {}).get("uid", "")
    return all(labels.get(k) == v for k, v in pairs) and all(have[k] == v for k, v in fields)
