"""What is lost, doubled or orphaned, by the ledger. Pure."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from tests.faults.entry import Entry

ALWAYS = ("Pod", "Service", "PersistentVolumeClaim", "Ingress")
"""Kinds whose objects all have a twin, whether anything names them or not."""
CREATED_BY_OTHERS = "kube-root-ca.crt"
ENDED = ("Succeeded", "Failed")


class Verdict(NamedTuple):
    """What the ledger says against a run; nothing, if all is well."""

    lost: list[str]
    doubled: list[str]
    orphaned: list[str]

    def __bool__(self) -> bool:
        return bool(self.lost or self.doubled or self.orphaned)

    def __str__(self) -> str:
        told = [f"{name}: {', '.join(each)}" for name, each in self._asdict().items() if each]
        return "; ".join(told) or "nothing lost, doubled or orphaned"


def judge(entries: Sequence[Entry], wanted_gone: Callable[[Entry], bool]) -> Verdict:
    """Judge all that there ever was; the tenant wanted some of it gone."""
    virt = [each for each in entries if each.side == "virt"]
    host = [each for each in entries if each.side == "host"]
    return Verdict(
        [*_without_twin(virt, host), *_deleted_by_nobody(virt, wanted_gone)],
        sorted(_doubled(host)),
        [str(each) for each in _orphans(virt, host)],
    )


def _without_twin(virt: Sequence[Entry], host: Sequence[Entry]) -> Iterator[str]:
    twins = {each.twin_of[1] for each in host if each.gone is None}
    for each in virt:
        if each.gone is not None or each.kind not in ALWAYS or each.uid in twins:
            continue
        phase = each.obj.get("status", {}).get("phase")
        ended = each.kind == "Pod" and phase in ENDED
        if not ended and phase != "Lost" and each.obj["spec"].get("type") != "ExternalName":
            yield f"{each} has no twin"


def _deleted_by_nobody(
    virt: Sequence[Entry], wanted_gone: Callable[[Entry], bool]
) -> Iterator[str]:
    for each in virt:
        meta = each.obj["metadata"]
        owned = bool(meta.get("ownerReferences")) or meta["name"] == CREATED_BY_OTHERS
        if each.gone is not None and not owned and not wanted_gone(each):
            yield f"{each} is gone, and the tenant did not delete it"


def _doubled(host: Sequence[Entry]) -> Iterator[str]:
    by_twin: defaultdict[tuple[str, str], list[Entry]] = defaultdict(list)
    for each in host:
        by_twin[each.twin_of].append(each)
    for (kind, uid), entries in by_twin.items():
        if kind == "pods" and any(each.placed for each in entries[:-1]):
            yield f"{len(entries)} host pods ever for {entries[0].name} ({uid})"
        elif any(_at_once(a, b) for a, b in itertools.combinations(entries, 2)):
            yield f"two {kind} at once for {entries[0].name} ({uid})"


def _orphans(virt: Sequence[Entry], host: Sequence[Entry]) -> Iterator[Entry]:
    alive = {each.uid for each in virt if each.gone is None}
    for each in host:
        if each.gone is None and not each.needed_by & alive:
            yield each


def _at_once(one: Entry, other: Entry) -> bool:
    first, second = sorted((one, other), key=lambda each: each.seen)
    return first.gone is None or first.gone > second.seen
