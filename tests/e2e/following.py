"""Sees every change of one kind's objects, by a watch without gaps."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Self

from tests.e2e.cluster import ApiError, Cluster, Obj, Unreachable

SLICE = 5  # seconds of one watch request: how long stopping takes at most
PAUSE = 0.2
GONE = 410

Note = Callable[[str, Obj], None]


class Following:
    """Tells `note` what is there ("ADDED"), and then each change, until it is closed.

    With `through_outages` it goes on when the server is back; only what came and went while it was
    away is never told.
    """

    def __init__(
        self,
        api: Cluster,
        kind: str,
        note: Note,
        *,
        namespace: str = "",
        labels: str = "",
        through_outages: bool = False,
    ) -> None:
        self.kind = kind
        self.error: Exception | None = None
        """What ended it before its time: from then on there is a gap."""
        self._api = api
        self._note = note
        self._namespace = namespace
        self._labels = labels
        self._through_outages = through_outages
        self._known: dict[str, Obj] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name=f"follow {kind}", daemon=True)

    def open(self) -> Self:
        """List, and begin to watch."""
        self._list()
        self._thread.start()
        return self

    def end(self) -> None:
        """Ask it to end, and do not wait: several then end at the same time."""
        self._stop.set()

    def close(self) -> None:
        """End; `error` says whether it was without a gap."""
        self.end()
        self._thread.join(SLICE + 35.0)

    def _list(self) -> None:
        query = {"labelSelector": self._labels} if self._labels else {}
        answer = self._api.json("GET", self._api.path(self.kind, self._namespace), query=query)
        before, self._known = self._known, {}
        for obj in answer["items"]:
            self._tell("ADDED", obj)
        for uid in before.keys() - self._known.keys():
            self._tell("DELETED", before[uid])
        self._version = answer["metadata"]["resourceVersion"]

    def _tell(self, change: str, obj: Obj) -> None:
        uid = obj["metadata"]["uid"]
        if change == "DELETED":
            self._known.pop(uid, None)
        else:
            self._known[uid] = obj
        self._note(change, obj)

    def _follow(self) -> None:
        try:
            while not self._stop.is_set():
                try:
                    self._watch()
                except (ApiError, Unreachable) as error:
                    if not self._through_outages:
                        raise
                    if isinstance(error, ApiError) and error.status == GONE:
                        self._version = ""
                    self._stop.wait(PAUSE)
        except Exception as error:  # noqa: BLE001  a record with a gap proves nothing
            self.error = error

    def _watch(self) -> None:
        if not self._version:
            self._list()
        watch = self._api.watch(self.kind, self._namespace, self._version, self._labels, SLICE)
        for event in watch:
            self._version = event.obj["metadata"]["resourceVersion"]
            if event.type != "BOOKMARK":
                self._tell(event.type, event.obj)
