"""The truth table of the Lease: who may lead, seen from each candidate."""

from __future__ import annotations

import pytest

from syncer.kube.objects import Obj
from syncer.leader import lease
from syncer.leader.lease import Seen, Timing

TIMING = Timing()
STAMP = "2026-01-01T00:00:00.000000Z"


def _lease(holder: str | None = "other", **spec: object) -> Obj:
    content: Obj = {"leaseDurationSeconds": 15, "renewTime": STAMP, **spec}
    return {"metadata": {"name": "vc-syncer"}, "spec": {"holderIdentity": holder, **content}}


@pytest.mark.parametrize(
    ("seen", "now", "verdict"),
    [
        (None, 0.0, "create"),
        (Seen(_lease(None), 0.0), 0.0, "take"),
        (Seen(_lease(""), 0.0), 0.0, "take"),
        (Seen(_lease("me"), 0.0), 1.0, "renew"),
        (Seen(_lease("me"), 0.0), 999.0, "renew"),  # the same pod, started again
        (Seen(_lease("other"), 0.0), 0.0, "wait"),
        (Seen(_lease("other"), 0.0), 14.9, "wait"),
        (Seen(_lease("other"), 0.0), 15.0, "take"),
        (Seen(_lease("other", leaseDurationSeconds=60), 0.0), 59.9, "wait"),
        (Seen(_lease("other", leaseDurationSeconds=60), 0.0), 60.0, "take"),
        (Seen(_lease("other", leaseDurationSeconds=None), 0.0), 14.9, "wait"),
        (Seen(_lease("other", leaseDurationSeconds=None), 0.0), 15.0, "take"),
    ],
)
def test_who_may_lead(seen: Seen | None, now: float, verdict: str) -> None:
    assert lease.decide(seen, "me", now, TIMING) == verdict


@pytest.mark.parametrize("stamp", ["1999-01-01T00:00:00Z", "2099-01-01T00:00:00Z", None])
def test_times_in_the_lease_decide_nothing(stamp: str | None) -> None:
    """Threats R15: clocks are wrong by years."""
    seen = Seen(_lease("other", renewTime=stamp, acquireTime=stamp), 0.0)
    assert lease.decide(seen, "me", 14.0, TIMING) == "wait"
    assert lease.decide(seen, "me", 15.0, TIMING) == "take"


def test_only_a_lease_that_says_something_else_proves_that_its_holder_lives() -> None:
    first = lease.see(None, _lease(), 10.0)
    assert first.since == 10.0
    annotated = {**_lease(), "metadata": {"name": "vc-syncer", "annotations": {"who": "ops"}}}
    assert lease.see(first, annotated, 20.0) == Seen(annotated, 10.0)
    assert lease.see(first, _lease(renewTime="later"), 20.0).since == 20.0


def test_deadline_leaves_time_before_another_may_lead() -> None:
    assert TIMING.retry < TIMING.deadline < TIMING.duration


@pytest.mark.parametrize(
    ("seen", "acquired", "transitions"),
    [
        (None, "now", 0),
        (Seen(_lease(None), 0.0), "now", 1),
        (Seen(_lease("other", leaseTransitions=4, acquireTime="then"), 0.0), "now", 5),
        (Seen(_lease("me", leaseTransitions=4, acquireTime="then"), 0.0), "then", 4),
        (Seen(_lease("me"), 0.0), "now", 0),
    ],
)
def test_what_the_lease_says_of_its_new_holder(
    seen: Seen | None, acquired: str, transitions: int
) -> None:
    assert lease.spec(seen, "me", "now", TIMING) == {
        "holderIdentity": "me",
        "leaseDurationSeconds": 15,
        "acquireTime": acquired,
        "renewTime": "now",
        "leaseTransitions": transitions,
    }


def test_lease_that_is_given_back_may_be_taken_at_once_and_keeps_count() -> None:
    given = lease.released(_lease("me", leaseTransitions=4)["spec"], "now")
    assert given["leaseTransitions"] == 4
    assert given["leaseDurationSeconds"] > 0  # 0 is invalid
    assert lease.decide(Seen({"spec": given}, 0.0), "other", 0.0, TIMING) == "take"
