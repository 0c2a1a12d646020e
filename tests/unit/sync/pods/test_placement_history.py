"""Threats R25: a virtual pod whose host pod had a node never gets a second one, whoever forgot."""

from __future__ import annotations

import pytest

from syncer.kube.objects import Obj
from tests.unit.build import pod
from tests.unit.fake_objects import NOW
from tests.unit.pod_life import PLACE, Pods
from tests.unit.sides import Sides

pytestmark = pytest.mark.timeout(10)
BEFORE, LATER = "2000-01-01T00:00:00Z", "2999-01-01T00:00:00Z"


@pytest.fixture
def pods(sides: Sides) -> Pods:
    return Pods(sides)


def event(pods: Pods, reason: str, made: str, *, kind: str = "Pod") -> Obj:
    name = pods.host_place.name
    return {
        "metadata": {"name": f"{name}.1", "namespace": "team-x", "creationTimestamp": made},
        "involvedObject": {"kind": kind, "name": name, "namespace": "team-x"},
        "reason": reason,
    }


async def test_host_pod_that_went_before_its_status_was_told_is_not_made_again(
    pods: Pods,
) -> None:
    pods.sides.add_virt("pods", pod())
    await pods.settle()
    pods.run()
    pods.sides.sync()  # the watch has shown it, and nothing has been written yet
    assert "status" not in pods.virt() or "startTime" not in pods.virt()["status"]
    pods.sides.host_api.objects.remove(pods.host_place)
    await pods.settle()
    assert pods.sides.host_obj("pods", "web") is None
    assert pods.virt()["status"]["reason"] == "HostPodGone"


async def test_next_pod_of_the_name_is_made(pods: Pods) -> None:
    pods.sides.add_virt("pods", pod())
    await pods.settle()
    pods.run()
    pods.sides.sync()
    pods.sides.host_api.objects.remove(pods.host_place)
    pods.sides.virt_api.objects.remove(PLACE)
    pods.sides.add_virt("pods", pod())
    await pods.settle()
    assert pods.sides.host_obj("pods", "web") is not None


@pytest.mark.parametrize(
    ("reason", "made", "kind", "again"),
    [
        ("Scheduled", LATER, "Pod", False),
        ("Scheduled", NOW, "Pod", False),  # within the same second
        ("Scheduled", BEFORE, "Pod", True),  # of an earlier pod of this name
        ("FailedScheduling", LATER, "Pod", True),
        ("Scheduled", LATER, "Service", True),
    ],
)
async def test_a_start_believes_the_hosts_events(
    pods: Pods,
    reason: str,
    made: str,
    kind: str,
    again: bool,  # noqa: FBT001
) -> None:
    pods.sides.add_virt("pods", pod())  # made at NOW
    pods.sides.world.host["events"].put(event(pods, reason, made, kind=kind))
    pods.mirror.past.learn()
    await pods.settle()
    assert (pods.sides.host_obj("pods", "web") is not None) is again


async def test_events_of_what_is_still_there_say_nothing(pods: Pods) -> None:
    pods.sides.add_virt("pods", pod())
    await pods.settle()
    pods.sides.world.host["events"].put(event(pods, "Scheduled", LATER))
    pods.mirror.past.learn()
    await pods.settle()
    assert pods.sides.host_obj("pods", "web") is not None
    assert "status" not in pods.virt() or pods.virt()["status"].get("phase") != "Failed"
