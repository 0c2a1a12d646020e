"""What to do about the Lease that says who leads, from what was seen of it and when.

    the Lease                                   what is done
    there is none                               it is created, and we lead
    it names nobody                             it is taken
    it names us                                 it is renewed
    another, which renewed it a moment ago      nothing; it is looked at again
    another, not renewed for its duration       it is taken

The rules and figures are those of client-go's `tools/leaderelection` (its doc.go says what they
promise) on the API of KEP-589, which every host from 1.14 on has as coordination.k8s.io/v1. Times
in the Lease are for people: each side measures on its own clock how long ago it saw a change, so
clocks may differ and jump (threats R15). What that leaves is a leader that is slow to notice, hence
the deadline: it is shorter than the duration, and nothing is written after it (threats R16).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from syncer.kube.objects import Obj

Verdict = Literal["create", "take", "renew", "wait"]


class Timing(NamedTuple):
    """The figures of Kubernetes' own components, in seconds."""

    duration: float = 15.0
    """A Lease that was not renewed for so long may be taken."""
    deadline: float = 10.0
    """A leader that could not renew for so long writes nothing any more."""
    retry: float = 2.0
    """Between two renewals, and between two looks at another's Lease."""


class Seen(NamedTuple):
    """A Lease, and since when on our clock it has said what it says."""

    lease: Obj
    since: float


def name(release: str) -> str:
    """Return the name of the Lease."""
    return f"{release}-syncer"


def see(before: Seen | None, lease: Obj, now: float) -> Seen:
    """Take a look into account: only a change of what the Lease says proves that somebody lives."""
    if before is not None and before.lease["spec"] == lease["spec"]:
        return Seen(lease, before.since)
    return Seen(lease, now)


def decide(seen: Seen | None, me: str, now: float, timing: Timing) -> Verdict:
    """Return what to do; `seen` is None when there is no Lease."""
    if seen is None:
        return "create"
    holder = seen.lease["spec"].get("holderIdentity")
    if holder == me:
        return "renew"
    if not holder:
        return "take"
    duration = seen.lease["spec"].get("leaseDurationSeconds") or timing.duration
    return "take" if now >= seen.since + duration else "wait"


def spec(seen: Seen | None, me: str, stamp: str, timing: Timing) -> Obj:
    """Return what the Lease is to say once it is ours; `stamp` is the time for people."""
    old: Obj = seen.lease["spec"] if seen is not None else {}
    acquired, transitions = stamp, old.get("leaseTransitions") or 0
    if old.get("holderIdentity") == me:
        acquired = old.get("acquireTime") or stamp
    elif seen is not None:
        transitions += 1
    return {
        "holderIdentity": me,
        "leaseDurationSeconds": round(timing.duration),
        "acquireTime": acquired,
        "renewTime": stamp,
        "leaseTransitions": transitions,
    }


def released(old: Obj, stamp: str) -> Obj:
    """Return what a Lease says that its holder gives back: the next one need not wait."""
    kept = {field: value for field, value in old.items() if field != "holderIdentity"}
    return {**kept, "leaseDurationSeconds": 1, "renewTime": stamp, "acquireTime": stamp}
