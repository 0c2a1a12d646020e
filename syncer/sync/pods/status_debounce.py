"""Lets news wait a moment that more important news is about to follow: one write then tells both.

A kubelet reports four times while a pod starts. That the pod is placed and its containers are being
made is read by nobody but people, who wait for its being ready; each such report would cost a
request, a commit of the datastore, and an event for everybody who watches pods.
"""

from __future__ import annotations

from collections.abc import Callable

from syncer.kube.objects import Key
from syncer.kube.workqueue import Queue

MOMENT = 0.25  # seconds: nobody sees it, and a container starts within


class Patience:
    """Remembers since when a key's news waits; `clock` gives seconds that only grow."""

    def __init__(self, queue: Queue, clock: Callable[[], float]) -> None:
        self._queue = queue
        self._clock = clock
        self._due: dict[Key, float] = {}

    def asks(self, key: Key) -> bool:
        """Tell whether the key's news is to wait; the key then comes again when it no longer is."""
        now = self._clock()
        due = self._due.setdefault(key, now + MOMENT)
        if now >= due:
            return False
        self._queue.add_after(key, due - now)
        return True

    def end(self, key: Key) -> None:
        """Tell that nothing of the key waits any more."""
        self._due.pop(key, None)
