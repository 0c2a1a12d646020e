"""What is told of a pod's end when its host pod is gone and somebody still waits to know."""

from __future__ import annotations

import pytest

from syncer.kube.objects import Obj
from tests.unit.build import pod
from tests.unit.pod_life import PLACE, Pods, running
from tests.unit.sides import Sides

pytestmark = pytest.mark.timeout(10)
HELD = {"finalizers": ["batch.kubernetes.io/job-tracking"]}
CODE_3: Obj = {"name": "main", "state": {"terminated": {"exitCode": 3}}}


@pytest.fixture
def pods(sides: Sides) -> Pods:
    return Pods(sides)


async def _deleted(pods: Pods) -> None:
    pods.sides.virt_api.objects.delete(PLACE, {"gracePeriodSeconds": 1})
    await pods.step()
    pods.sides.writes()


async def test_end_and_removal_that_come_at_once_lose_nothing(pods: Pods) -> None:
    """A Job counts a pod of its only once its phase is final: without it, it waits for ever."""
    await running(pods, metadata=HELD)
    await _deleted(pods)
    pods.status(phase="Failed", containerStatuses=[CODE_3])
    pods.sides.sync()
    pods.sides.host_api.objects.remove(pods.host_place)
    await pods.step()
    virt = pods.virt()
    assert virt["status"]["phase"] == "Failed"
    assert virt["status"]["containerStatuses"] == [CODE_3]
    assert virt["metadata"]["deletionGracePeriodSeconds"] == 0


async def test_end_that_nobody_saw_is_a_failure(pods: Pods) -> None:
    """A host pod that was removed by force, or while the syncer was away."""
    await running(pods, metadata=HELD)
    await _deleted(pods)
    pods.sides.host_api.objects.remove(pods.host_place)
    await pods.step()
    assert pods.virt()["status"]["phase"] == "Failed"


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
async def test_end_that_was_told_stays(pods: Pods, phase: str) -> None:
    await running(pods, metadata=HELD)
    await _deleted(pods)
    pods.status(phase=phase)
    await pods.step()
    pods.sides.host_api.objects.remove(pods.host_place)
    await pods.settle()
    assert pods.virt()["status"]["phase"] == phase


async def test_pod_that_never_got_to_the_host_has_failed(pods: Pods) -> None:
    pods.sides.add_virt("pods", pod(metadata=HELD, nodeName="node-1"))
    pods.sides.virt_api.objects.delete(PLACE, {"gracePeriodSeconds": 30})
    await pods.settle()
    assert pods.virt()["status"]["phase"] == "Failed"
    assert pods.sides.host_obj("pods", "web") is None


async def test_pod_that_nobody_holds_goes_without_another_write(pods: Pods) -> None:
    await running(pods)
    await _deleted(pods)
    pods.sides.host_api.objects.remove(pods.host_place)
    await pods.step()
    assert pods.sides.virt_obj("pods", "web") is None
    assert pods.sides.writes() == [("virt", "DELETE", "pods")]


async def test_earlier_pod_of_the_name_says_nothing_about_this_one(pods: Pods) -> None:
    await running(pods, metadata=HELD)
    pods.status(phase="Failed", containerStatuses=[CODE_3])
    pods.sides.sync()
    pods.sides.virt_api.objects.remove(PLACE)
    pods.sides.host_api.objects.remove(pods.host_place)
    pods.sides.add_virt("pods", pod(metadata=HELD, nodeName="node-1"))
    pods.sides.virt_api.objects.delete(PLACE, {"gracePeriodSeconds": 30})
    await pods.settle()
    assert "containerStatuses" not in pods.virt()["status"]
