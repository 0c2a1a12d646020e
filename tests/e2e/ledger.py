"""A record of every host pod that a virtual cluster had, from a watch without gaps."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tests.e2e.cluster import Obj
from tests.e2e.following import Following
from tests.e2e.release import MANAGED_BY, Release, virt_uid


@dataclass
class Entry:
    """One host pod."""

    name: str
    virt_uid: str
    seen: float
    gone: float | None = None


class Ledger:
    """Writes the record while it is open."""

    def __init__(self, release: Release) -> None:
        self.pods: dict[str, Entry] = {}
        labels = f"{MANAGED_BY}={release.name}"
        self._following = Following(
            release.host.api, "Pod", self._note, namespace=release.namespace, labels=labels
        )

    def __enter__(self) -> Self:
        self._following.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._following.close()
        if self._following.error is not None and error is None:
            raise self._following.error

    def doubled(self) -> dict[str, list[str]]:
        """Return the virtual UIDs that had more than one host pod, with the names of those."""
        by_uid: defaultdict[str, list[str]] = defaultdict(list)
        for entry in self.pods.values():
            by_uid[entry.virt_uid].append(entry.name)
        return {uid: names for uid, names in by_uid.items() if len(names) > 1}

    def lost(self, virt_pods: list[Obj]) -> list[str]:
        """Return the host pods that went although their virtual pods are still there."""
        alive = {pod["metadata"]["uid"] for pod in virt_pods}
        return [e.name for e in self.pods.values() if e.gone is not None and e.virt_uid in alive]

    def _note(self, change: str, pod: Obj) -> None:
        meta = pod["metadata"]
        now = time.monotonic()
        entry = self.pods.setdefault(meta["uid"], Entry(meta["name"], virt_uid(pod), now))
        if change == "DELETED":
            entry.gone = now
