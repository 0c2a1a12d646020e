"""What the ledger has of one object."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tests.e2e.cluster import Obj
from tests.e2e.release import virt_uid

NAMESPACE = "virtualcluster.dev/namespace"
MARKED_KIND = "virtualcluster.dev/kind"
PODS = "virtualcluster.dev/pods"


@dataclass
class Entry:
    """One object, by its UID; `obj` is how it was last."""

    side: str
    kind: str
    obj: Obj
    seen: float
    gone: float | None = None

    @property
    def name(self) -> str:
        """Return its name."""
        return str(self.obj["metadata"]["name"])

    @property
    def uid(self) -> str:
        """Return its UID."""
        return str(self.obj["metadata"]["uid"])

    @property
    def namespace(self) -> str:
        """Return the virtual namespace that it belongs to."""
        meta = self.obj["metadata"]
        if self.side == "virt":
            return str(meta["namespace"])
        return str((meta.get("labels") or {}).get(NAMESPACE, ""))

    @property
    def placed(self) -> bool:
        """Tell whether a pod had a node: its work may have been begun."""
        return bool(self.obj["spec"].get("nodeName"))

    @property
    def twin_of(self) -> tuple[str, str]:
        """Return which virtual object it is the twin of: what of it, and its UID."""
        notes = self.obj["metadata"].get("annotations") or {}
        return str(notes.get(MARKED_KIND, "")), virt_uid(self.obj)

    @property
    def needed_by(self) -> set[str]:
        """Return the UIDs of the virtual objects that it is there for."""
        notes = self.obj["metadata"].get("annotations") or {}
        return {self.twin_of[1], *json.loads(notes.get(PODS, "{}")).values()}

    def __str__(self) -> str:
        return f"{self.side} {self.kind} {self.namespace}/{self.name}"
