"""The life of a pod on both sides: every row of the module's table, and what must never happen."""

from __future__ import annotations

import pytest

from syncer import identity
from syncer.errors import DeletionHeld
from syncer.kube.objects import Obj
from tests.unit.build import (
    pod,
)
from tests.unit.fake_objects import Place
from tests.unit.fake_services import Refusal
from tests.unit.pod_life import PLACE, TOKEN, WEB, Pods, running
from tests.unit.sides import Sides

pytestmark = pytest.mark.timeout(10)
SET = {"ownerReferences": [{"kind": "ReplicaSet", "name": "web", "uid": "rs", "controller": True}]}


@pytest.fixture
def pods(sides: Sides) -> Pods:
    return Pods(sides)


# --- the table


async def test_absent_and_absent_is_nothing(pods: Pods) -> None:
    await pods.reconcile()
    assert pods.sides.writes() == []


async def test_host_pod_whose_virtual_pod_is_gone_is_deleted_and_then_its_tokens(
    pods: Pods,
) -> None:
    await running(pods, volumes=[TOKEN])
    pods.sides.virt_api.objects.remove(PLACE)
    await pods.step()
    assert "deletionTimestamp" in pods.host()["metadata"]
    assert len(pods.sides.host_api.objects.of("secrets")) == 1
    pods.sides.host_api.objects.remove(pods.host_place)
    await pods.step()
    assert pods.sides.host_api.objects.of("secrets") == []


async def test_new_pod_is_created_on_the_host(pods: Pods) -> None:
    virt = pods.sides.add_virt("pods", pod())
    await pods.reconcile()
    host = pods.host()
    assert host["metadata"]["annotations"][identity.UID] == virt["metadata"]["uid"]
    assert host["spec"]["serviceAccountName"] == "vc-workload"
    assert pods.sides.writes() == [("host", "POST", "pods")]


async def test_pod_is_bound_to_the_node_that_the_host_chose_and_its_status_comes_up(
    pods: Pods,
) -> None:
    await running(pods)
    virt = pods.virt()
    assert virt["spec"]["nodeName"] == "node-1"
    assert virt["status"]["phase"] == "Running"
    assert virt["status"]["podIP"] == "10.42.0.5"
    assert pods.sides.virt_obj("nodes", "node-1", "") is not None
    await pods.settle()


async def test_node_exists_before_a_pod_is_bound_to_it(pods: Pods) -> None:
    pods.sides.add_virt("pods", pod())
    await pods.settle()
    pods.run("node-7")
    await pods.step()
    asked = [each.resource for each in pods.sides.virt_api.writes()]
    assert asked.index("nodes") < asked.index("pods/binding")


async def test_pod_that_the_host_cannot_place_says_why(pods: Pods) -> None:
    pods.sides.add_virt("pods", pod())
    await pods.settle()
    message = '0/2 nodes are available: persistentvolumeclaim "data-x-default-x-vc" not found'
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    pods.status(conditions=[{**condition, "message": message}])
    await pods.settle()
    (seen,) = pods.virt()["status"]["conditions"]
    assert seen["reason"] == "Unschedulable"
    assert seen["message"] == ('0/2 nodes are available: persistentvolumeclaim "data" not found')
    assert "nodeName" not in pods.virt()["spec"]


async def test_deleted_pod_stays_until_its_host_pod_is_gone(pods: Pods) -> None:
    """Threats R23."""
    await running(pods)
    pods.sides.virt_api.objects.delete(PLACE, {"gracePeriodSeconds": 17})
    await pods.step()
    host = pods.host()
    assert host["metadata"]["deletionGracePeriodSeconds"] == 17
    await pods.step()
    assert pods.sides.virt_obj("pods", "web") is not None
    pods.status(phase="Failed", reason="terminated")
    await pods.step()
    assert pods.virt()["status"]["phase"] == "Failed"
    pods.sides.host_api.objects.remove(pods.host_place)
    await pods.step()
    assert pods.sides.virt_obj("pods", "web") is None


@pytest.mark.parametrize(("asked", "passed"), [(0, 0), (5, 5), (2**31, 3600)])
async def test_grace_of_a_deletion_is_passed_on_within_reason(
    pods: Pods, asked: int, passed: int
) -> None:
    """Threats J2: no pod outlives its namespace for years."""
    await running(pods, metadata={"finalizers": ["tenant/hold"]})
    pods.sides.virt_api.objects.delete(PLACE, {"gracePeriodSeconds": asked})
    await pods.step()
    body = pods.sides.asked("host", "DELETE", "pods")[-1].body
    assert body["gracePeriodSeconds"] == passed


async def test_second_deletion_in_more_of_a_hurry_is_passed_on_too(pods: Pods) -> None:
    await running(pods)
    pods.sides.virt_api.objects.delete(PLACE, {"gracePeriodSeconds": 30})
    await pods.settle()
    pods.sides.virt_api.objects.delete(PLACE, {"gracePeriodSeconds": 2})
    await pods.settle()
    graces = [
        each.body["gracePeriodSeconds"] for each in pods.sides.asked("host", "DELETE", "pods")
    ]
    assert pods.host()["metadata"]["deletionGracePeriodSeconds"] == 2, graces


async def test_deleted_pod_that_has_no_host_pod_is_removed(pods: Pods) -> None:
    held = {"finalizers": ["tenant/hold"]}
    pods.sides.add_virt("pods", pod(metadata=held, nodeName="node-1"))
    pods.sides.virt_api.objects.delete(PLACE, {"gracePeriodSeconds": 30})
    await pods.settle()
    assert pods.virt()["metadata"]["deletionGracePeriodSeconds"] == 0
    assert pods.sides.host_obj("pods", "web") is None  # and never gets one
    pods.sides.virt_api.objects.patch(PLACE, {"metadata": {"finalizers": None}})
    assert pods.sides.virt_obj("pods", "web") is None


async def test_host_pod_of_an_earlier_pod_goes_before_the_new_one_comes(pods: Pods) -> None:
    """Threats R14, R26."""
    await running(pods)
    old = pods.host()["metadata"]["uid"]
    pods.sides.virt_api.objects.remove(PLACE)
    pods.sides.add_virt("pods", pod())
    await pods.step()
    assert "deletionTimestamp" in pods.host()["metadata"]
    await pods.step()
    assert pods.virt()["status"]["phase"] == "Pending"  # nothing of the old pod's status
    pods.sides.host_api.objects.remove(pods.host_place)
    await pods.settle()
    assert pods.host()["metadata"]["uid"] != old


async def test_pod_whose_host_pod_is_being_deleted_goes_too_if_a_controller_replaces_it(
    pods: Pods,
) -> None:
    """Threats R24: as on a node that is drained."""
    await running(pods, metadata=SET)
    pods.sides.host_api.objects.delete(pods.host_place, {"gracePeriodSeconds": 20})
    pods.status(phase="Failed")
    await pods.step()
    assert pods.sides.writes() == [("virt", "DELETE", "pods")]
    assert pods.virt()["metadata"]["deletionGracePeriodSeconds"] == 20
    pods.sides.host_api.objects.remove(pods.host_place)
    await pods.step()
    assert pods.sides.virt_obj("pods", "web") is None


async def test_bare_pod_whose_host_pod_was_deleted_has_failed_and_says_why(pods: Pods) -> None:
    """Threats R11: never silently run again."""
    await running(pods)
    pods.sides.host_api.objects.delete(pods.host_place, {"gracePeriodSeconds": 20})
    await pods.settle()
    assert "deletionTimestamp" not in pods.virt()["metadata"]
    pods.status(phase="Succeeded")  # its processes end well when told to
    await pods.settle()
    assert pods.virt()["status"]["phase"] == "Running"
    pods.sides.host_api.objects.remove(pods.host_place)
    await pods.settle()
    status = pods.virt()["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "HostPodGone")
    assert pods.sides.host_obj("pods", "web") is None


async def test_pod_of_a_controller_whose_host_pod_is_gone_is_replaced_by_it(pods: Pods) -> None:
    await running(pods, metadata=SET)
    pods.sides.host_api.objects.remove(pods.host_place)
    await pods.settle()
    assert pods.sides.virt_obj("pods", "web") is None
    assert pods.sides.host_obj("pods", "web") is None


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
async def test_pod_that_ended_never_runs_again(pods: Pods, phase: str) -> None:
    """Threats R25: one virtual UID never gets a second host pod."""
    await running(pods, metadata=SET)
    pods.status(phase=phase)
    await pods.settle()
    assert pods.virt()["status"]["phase"] == phase
    pods.sides.host_api.objects.remove(pods.host_place)
    await pods.settle()
    assert pods.virt()["status"]["phase"] == phase
    assert pods.sides.host_obj("pods", "web") is None


@pytest.mark.parametrize(
    "status",
    [
        {"startTime": "2026-01-01T00:00:00Z"},
        {"conditions": [{"type": "PodScheduled", "status": "True"}]},
    ],
)
async def test_pod_that_was_placed_before_never_runs_twice(pods: Pods, status: Obj) -> None:
    """Threats R25: the syncer was down when the host pod ran and went."""
    pods.sides.add_virt("pods", pod(status={"phase": "Running", **status}))
    await pods.settle()
    assert pods.virt()["status"]["phase"] == "Failed"
    assert pods.sides.host_obj("pods", "web") is None


@pytest.mark.parametrize(
    "status",
    [
        {"conditions": [{"type": "PodScheduled", "status": "False"}]},
        {"conditions": [{"type": "Initialized", "status": "True"}]},
    ],
)
async def test_pod_that_was_not_placed_yet_is_made(pods: Pods, status: Obj) -> None:
    pods.sides.add_virt("pods", pod(status={"phase": "Pending", **status}))
    await pods.reconcile()
    assert pods.sides.host_obj("pods", "web") is not None


async def test_host_pod_that_was_deleted_before_it_was_placed_is_made_again(pods: Pods) -> None:
    pods.sides.add_virt("pods", pod())
    await pods.settle()
    pods.sides.host_api.objects.remove(pods.host_place)
    await pods.settle()
    assert pods.sides.host_obj("pods", "web") is not None


async def test_pod_with_scheduling_gates_waits_for_the_last_one(pods: Pods) -> None:
    pods.sides.add_virt("pods", pod(schedulingGates=[{"name": "quota"}]))
    await pods.reconcile()
    assert pods.sides.writes() == []


async def test_held_deletion_waits(pods: Pods) -> None:
    await running(pods)
    pods.sides.virt_api.objects.remove(PLACE)
    pods.sides.world.brake.hold([WEB], "a test")
    with pytest.raises(DeletionHeld):
        await pods.step()
    assert "deletionTimestamp" not in pods.host()["metadata"]


async def test_deletions_that_somebody_else_was_faster_with_are_no_error(pods: Pods) -> None:
    await running(pods)
    pods.sides.virt_api.objects.remove(PLACE)
    pods.sides.sync()
    pods.sides.host_api.objects.remove(pods.host_place)
    await pods.reconcile()


def test_fake_refuses_what_no_pod_update_may_change(sides: Sides) -> None:
    made = sides.host_api.objects.create("pods", "team-x", pod())
    place = Place("pods", "team-x", made["metadata"]["name"])
    with pytest.raises(Refusal):
        sides.host_api.objects.patch(place, {"spec": {"hostname": "other"}})
