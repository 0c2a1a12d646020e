"""How many objects of each kind the host takes at most, and who waits for one of them to go.

A bound of the syncer's own (threats J1): a ResourceQuota is not for who may administer a namespace.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sized
from contextlib import contextmanager

from syncer.kube.objects import Key


class Room:
    """Places for host objects, by kind: `most()` of each, or any number where that is 0."""

    def __init__(
        self,
        host: Mapping[str, Sized],
        most: Callable[[], int],
        is_there: Callable[[Key], bool],
        tokens: Sized,
    ) -> None:
        self._host = host
        self._most = most
        self._is_there = is_there
        self._tokens = tokens
        self._making: Counter[str] = Counter()
        self._waiting: defaultdict[str, dict[Key, None]] = defaultdict(dict)

    @contextmanager
    def place(self, key: Key) -> Iterator[bool]:
        """Tell whether the host may get this object too; keep its place while it is being made.

        Who gets none is remembered for `freed`. Secrets with pods' tokens do not count.
        """
        kind, most = key.kind, self._most()
        tokens = len(self._tokens) if kind == "secrets" else 0
        if most and len(self._host[kind]) - tokens + self._making[kind] >= most:
            self._waiting[kind][key] = None
            yield False
            return
        self._making[kind] += 1
        try:
            yield True
        finally:
            self._making[kind] -= 1

    def freed(self, kind: str) -> Key | None:
        """Return who has waited longest, now that a host object of the kind is gone, if anybody.

        That one is to be tried again; if it has no place then, it waits anew.
        """
        waiting = self._waiting[kind]
        while waiting:
            key = next(iter(waiting))
            del waiting[key]
            if self._is_there(key):
                return key
        return None
