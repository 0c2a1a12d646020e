"""News of a pod that starts: what waits for more, what does not, and for how long."""

from __future__ import annotations

import pytest

from syncer.kube.objects import Obj
from syncer.kube.workqueue import Queue
from syncer.sync.pods.status_debounce import MOMENT, Patience
from syncer.translate import status
from tests.unit.build import Clock, pod
from tests.unit.pod_life import WEB, Pods
from tests.unit.sides import Sides

pytestmark = pytest.mark.timeout(10)
PLACED = [{"type": "PodScheduled", "status": "True"}]
UNPLACED = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]


def waiting(reason: str) -> list[Obj]:
    return [{"name": "main", "state": {"waiting": {"reason": reason}}}]


MAKING = {
    "phase": "Pending",
    "conditions": PLACED,
    "containerStatuses": waiting("ContainerCreating"),
}


@pytest.mark.parametrize(
    ("said", "underway"),
    [
        ({}, False),
        ({"phase": "Pending"}, False),
        ({"phase": "Pending", "conditions": UNPLACED}, False),
        ({"phase": "Pending", "conditions": PLACED}, True),
        (MAKING, True),
        ({**MAKING, "containerStatuses": waiting("PodInitializing")}, True),
        ({**MAKING, "containerStatuses": waiting("ErrImagePull")}, False),
        ({**MAKING, "containerStatuses": waiting("CreateContainerConfigError")}, False),
        ({**MAKING, "initContainerStatuses": [{"state": {"running": {"startedAt": "x"}}}]}, False),
        ({**MAKING, "initContainerStatuses": waiting("CrashLoopBackOff")}, False),
        ({**MAKING, "reason": "NodeAffinity"}, False),
        ({**MAKING, "phase": "Running"}, False),
        ({**MAKING, "phase": "Failed"}, False),
    ],
)
def test_a_pod_is_underway_until_a_container_runs_or_something_goes_wrong(
    said: Obj,
    underway: bool,  # noqa: FBT001
) -> None:
    assert status.underway({"status": said}) == underway


async def test_news_waits_a_moment_once_and_comes_again_when_that_is_over() -> None:
    clock = Clock()
    queue = Queue(clock)
    patience = Patience(queue, clock)
    assert patience.asks(WEB)
    clock.now += MOMENT / 2
    assert patience.asks(WEB)
    clock.now += MOMENT / 2
    assert await queue.take() == WEB
    assert not patience.asks(WEB)
    assert not patience.asks(WEB)
    patience.end(WEB)
    assert patience.asks(WEB)


async def _placed(pods: Pods) -> None:
    pods.sides.add_virt("pods", pod())
    await pods.settle()
    target = {"metadata": {}, "target": {"name": "node-1"}}
    pods.sides.host_api.objects.bind(pods.host_place, target)
    pods.status(phase="Pending", conditions=PLACED)
    await pods.step()
    pods.sides.writes()


async def test_reports_of_a_start_are_one_write_when_the_pod_is_ready_within_the_moment(
    sides: Sides,
) -> None:
    pods = Pods(sides)
    await _placed(pods)
    pods.status(**MAKING)
    await pods.step()
    assert sides.writes() == []
    pods.status(phase="Running", startTime="2026-01-01T00:00:00Z")
    await pods.step()
    assert sides.writes() == [("virt", "PATCH", "pods/status")]
    assert pods.virt()["status"]["phase"] == "Running"


async def test_what_takes_longer_is_told_after_the_moment(sides: Sides) -> None:
    pods = Pods(sides)
    await _placed(pods)
    pods.status(**MAKING)
    await pods.step()
    pods.clock.now += MOMENT
    await pods.step()
    assert sides.writes() == [("virt", "PATCH", "pods/status")]
    (told,) = pods.virt()["status"]["containerStatuses"]
    assert told["state"]["waiting"]["reason"] == "ContainerCreating"


async def test_what_goes_wrong_is_told_at_once(sides: Sides) -> None:
    pods = Pods(sides)
    await _placed(pods)
    pods.status(**{**MAKING, "containerStatuses": waiting("ErrImagePull")})
    await pods.step()
    assert sides.writes() == [("virt", "PATCH", "pods/status")]
