"""The ledger: every object of both sides that there ever was, from watches without gaps."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tests.e2e.cluster import Cluster, Obj
from tests.e2e.following import Following
from tests.e2e.release import MANAGED_BY
from tests.faults.entry import Entry
from tests.faults.verdict import Verdict, judge

KINDS = ("Pod", "ConfigMap", "Secret", "Service", "PersistentVolumeClaim", "Ingress")


class _Side(NamedTuple):
    """A watch, and of which side."""

    side: str
    following: Following


class Record:
    """Writes the ledger from now on."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], Entry] = {}
        """By side and UID."""
        self.changes = 0
        self.going: set[tuple[str, str]] = set()
        """What is being deleted and still there."""
        self._wanted_gone: set[tuple[str, str, str]] = set()
        self._lock = threading.Lock()
        self._following: list[_Side] = []
        self._listed: set[tuple[str, str]] = set()
        """What was told of since it was emptied."""

    def follow(self, host: Cluster, host_namespace: str, release: str, virt: Cluster) -> None:
        """Watch both sides, from the side: not through the proxies."""
        labels = f"{MANAGED_BY}={release}"
        for kind in KINDS:
            self._follow("host", kind, host, namespace=host_namespace, labels=labels)
            self.follow_virt(kind, virt)

    def follow_virt(self, kind: str, virt: Cluster) -> None:
        """Watch one kind of the virtual side, also while its server is away and comes back."""
        self._follow("virt", kind, virt, namespace="", labels="")

    def _follow(self, side: str, kind: str, api: Cluster, *, namespace: str, labels: str) -> None:
        def note(change: str, obj: Obj) -> None:
            self.note(side, kind, change, obj)

        following = Following(
            api,
            kind,
            note,
            namespace=namespace,
            labels=labels,
            # The host must not be away: a pod that came and went unseen could have been a second.
            through_outages=side == "virt",
        )
        self._following.append(_Side(side, following.open()))

    def leave_virt(self) -> None:
        """Look away from the virtual side: another cluster is about to answer in its place."""
        _close([each for each in self._following if each.side == "virt"])
        self._following = [each for each in self._following if each.side != "virt"]

    def return_virt(self, virt: Cluster) -> None:
        """Look there again; what is not there any more has gone meanwhile."""
        before = {key for key, each in self.entries.items() if key[0] == "virt" and not each.gone}
        self._listed.clear()
        for kind in KINDS:
            self.follow_virt(kind, virt)
        for key in before - self._listed:
            self.note("virt", self.entries[key].kind, "DELETED", self.entries[key].obj)

    def alive(self, side: str) -> list[Entry]:
        """Return all that a side has now."""
        with self._lock:
            return [each for each in self.entries.values() if each.side == side and not each.gone]

    def close(self) -> None:
        """End the watches."""
        _close(self._following)

    def check(self) -> None:
        """Raise what made a gap, if anything did."""
        for _, following in self._following:
            if following.error is not None:
                kind, why = following.kind, following.error
                raise AssertionError(f"the ledger has a gap: {kind}: {why}") from why

    def note(self, side: str, kind: str, change: str, obj: Obj) -> None:
        """Write down one change."""
        now = time.monotonic()
        with self._lock:
            self.changes += 1
            self._listed.add((side, obj["metadata"]["uid"]))
            entry = self.entries.setdefault(
                (side, obj["metadata"]["uid"]), Entry(side, kind, obj, now)
            )
            entry.obj = obj
            entry.gone = now if change == "DELETED" else None
            if entry.gone is None and obj["metadata"].get("deletionTimestamp"):
                self.going.add((side, obj["metadata"]["uid"]))
            else:
                self.going.discard((side, obj["metadata"]["uid"]))

    def deletes(self, kind: str, namespace: str, name: str) -> None:
        """Note that the tenant wants this virtual object gone."""
        self._wanted_gone.add((kind, namespace, name))

    def of(self, side: str, namespace: str, kind: str = "") -> Iterator[Entry]:
        """Yield what there ever was of a virtual namespace on one side."""
        with self._lock:
            found = list(self.entries.values())
        for entry in found:
            if entry.side == side and kind in ("", entry.kind) and entry.namespace == namespace:
                yield entry

    def there(self, side: str, namespace: str, kind: str = "") -> list[Entry]:
        """Return what there is now."""
        return [each for each in self.of(side, namespace, kind) if each.gone is None]

    def verdict(self, namespace: str) -> Verdict:
        """Judge a virtual namespace that is at rest."""
        mine = [*self.of("virt", namespace), *self.of("host", namespace)]
        return judge(mine, lambda each: (each.kind, namespace, each.name) in self._wanted_gone)


def _close(watches: Sequence[_Side]) -> None:
    for each in watches:
        each.following.end()
    for each in watches:
        each.following.close()
