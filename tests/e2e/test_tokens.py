"""Tokens of a pod that runs longer than they live. Late in the run: they need time."""

from __future__ import annotations

import time

import pytest

from tests.e2e.cluster import Obj
from tests.e2e.conftest import Aging
from tests.e2e.pods import execute
from tests.e2e.release import Release, Virtual
from tests.e2e.session import claims_of
from tests.e2e.waiting import Pending, until

LIFE = 600  # seconds; the shortest that the API gives. Renewed after four fifths, as by a kubelet
PERIOD = 0.8 * LIFE
LATE = 30  # seconds that a renewal may take on a busy machine
REACHED = 90  # seconds until a kubelet has put a changed Secret into the pod


def _accepted(virt: Virtual, token: str) -> bool:
    review: Obj = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "spec": {"token": token, "audiences": ["vault"]},
    }
    path = "/apis/authentication.k8s.io/v1/tokenreviews"
    return bool(virt.api.json("POST", path, review)["status"].get("authenticated"))


@pytest.mark.timeout(LIFE + 60)
def test_a_token_is_renewed_before_it_ends_while_the_pod_runs(
    inside: Virtual, generous: Release, aging: Aging
) -> None:
    def renewed() -> str:
        token = execute(inside, "aging", "aging", "cat", "/t/token")
        if token == aging.first:
            raise Pending(f"the first one, {time.monotonic() - aging.since:.0f} s old")
        return token

    left = PERIOD - (time.monotonic() - aging.since)
    token = until("the token is another", renewed, max(left, 0) + REACHED)
    before, after = claims_of(aging.first), claims_of(token)
    times, late = divmod(after["iat"] - before["iat"] + 1, PERIOD)  # whole seconds: one may lack
    assert times >= 1
    assert late <= times * LATE
    assert after["exp"] > time.time()
    assert after["exp"] - after["iat"] == LIFE
    assert after["aud"] == ["vault"]
    assert _accepted(inside, token)
    now = inside.api.get("Pod", "aging", "aging")
    assert now["metadata"]["uid"] == aging.pod["metadata"]["uid"]
    assert now["status"]["containerStatuses"][0]["restartCount"] == 0
    assert generous.host_pod(now)


def test_a_token_ends_with_its_pod(inside: Virtual, aging: Aging) -> None:
    token = execute(inside, "aging", "aging", "cat", "/t/token")
    assert _accepted(inside, token)
    inside.api.delete("Pod", "aging", "aging")

    def refused() -> bool:
        if _accepted(inside, token):
            raise Pending("still accepted")  # the API server remembers a verdict for some seconds
        return True

    until("the token is refused", refused)
    assert aging
