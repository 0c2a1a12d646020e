"""A record of every host pod that a virtual cluster had, from a watch without gaps."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tests.e2e.cluster import RESOURCES, Obj
from tests.e2e.release import MANAGED_BY, Release, virt_uid

SLICE = 5  # seconds of one watch request: how long stopping takes at most


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
        self._api = release.host.api
        self._namespace = release.namespace
        self._labels = f"{MANAGED_BY}={release.name}"
        self._stop = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._write, name="ledger", daemon=True)

    def __enter__(self) -> Self:
        pods = RESOURCES["Pod"]
        path = f"{pods.root}/namespaces/{self._namespace}/{pods.plural}"
        answer = self._api.json("GET", path, query={"labelSelector": self._labels})
        self._version = answer["metadata"]["resourceVersion"]
        for pod in answer["items"]:
            self._note("ADDED", pod)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(SLICE + 35.0)
        if self._error is not None and error is None:
            raise self._error

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

    def _write(self) -> None:
        try:
            while not self._stop.is_set():
                for event in self._api.watch(
                    "Pod", self._namespace, self._version, self._labels, SLICE
                ):
                    self._version = event.obj["metadata"]["resourceVersion"]
                    self._note(event.type, event.obj)
        except Exception as error:  # noqa: BLE001  a record with a gap proves nothing: see __exit__
            self._error = error

    def _note(self, change: str, pod: Obj) -> None:
        if change == "BOOKMARK":
            return
        meta = pod["metadata"]
        now = time.monotonic()
        entry = self.pods.setdefault(meta["uid"], Entry(meta["name"], virt_uid(pod), now))
        if change == "DELETED":
            entry.gone = now
