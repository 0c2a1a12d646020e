"""When each object, mostly a pod, came how far, as the lines of a watch tell it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.e2e.waiting import is_ready

Obj = dict[str, Any]
Times = dict[str, float]


def by_name(pod: Obj) -> str:
    """Return what a client calls a pod."""
    return str(pod["metadata"]["name"])


@dataclass
class Timeline:
    """Key → when that was seen first, by one clock."""

    key: Callable[[Obj], str] = by_name
    good: Callable[[Obj], bool] = is_ready
    seen: Times = field(default_factory=dict)
    placed: Times = field(default_factory=dict)
    ready: Times = field(default_factory=dict)
    gone: Times = field(default_factory=dict)

    def line(self, at: float, line: bytes) -> None:
        """Note what a line of a watch shows."""
        if not line:
            return
        event = orjson.loads(line)
        if event["type"] == "ERROR":
            raise ValueError(f"the watch failed: {event['object'].get('message')}")
        if event["type"] != "BOOKMARK":
            self.event(at, event["type"], event["object"])

    def event(self, at: float, kind: str, obj: Obj) -> None:
        """Note what an event shows."""
        key = self.key(obj)
        self.seen.setdefault(key, at)
        if kind == "DELETED":
            self.gone.setdefault(key, at)
            return
        if (obj.get("spec") or {}).get("nodeName"):
            self.placed.setdefault(key, at)
        if self.good(obj) and not obj["metadata"].get("deletionTimestamp"):
            self.ready.setdefault(key, at)
