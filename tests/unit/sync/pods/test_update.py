"""A running pod: what goes down to the host, what comes up, and that neither hides the other."""

from __future__ import annotations

import copy

import pytest

from syncer.errors import Conflict, NotFound, Refused, ServerError
from syncer.identity import tenant_key
from tests.unit.build import container, pod
from tests.unit.fake_faults import Fault
from tests.unit.pod_life import PLACE, TOKEN, Pods, running
from tests.unit.sides import Sides

pytestmark = pytest.mark.timeout(10)


@pytest.fixture
def pods(sides: Sides) -> Pods:
    return Pods(sides)


async def test_labels_and_downward_values_follow_the_virtual_pod(pods: Pods) -> None:
    items = [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]
    await running(pods, volumes=[{"name": "info", "downwardAPI": {"items": items}}])
    pods.sides.virt_api.objects.patch(PLACE, {"metadata": {"labels": {"app": "new"}}})
    await pods.settle()
    meta = pods.host()["metadata"]
    assert meta["labels"][tenant_key("app")] == "new"
    assert 'app="new"' in meta["annotations"].values()


async def test_image_and_deadline_follow_the_virtual_pod(pods: Pods) -> None:
    await running(pods, initContainers=[container(name="init")])
    change = {"containers": [container(image="busybox:2")], "activeDeadlineSeconds": 60}
    pods.sides.virt_api.objects.patch(PLACE, {"spec": change})
    await pods.settle()
    spec = pods.host()["spec"]
    assert [each["image"] for each in spec["containers"]] == ["busybox:2"]
    assert [each["image"] for each in spec["initContainers"]] == ["busybox:1.36"]
    assert spec["activeDeadlineSeconds"] == 60
    assert spec["containers"][0]["env"]  # the rest of the container stays


async def test_other_changes_do_not_reach_a_running_pod(pods: Pods) -> None:
    """Threats A7."""
    await running(pods)
    before = copy.deepcopy(pods.host()["spec"])
    change = {"tolerations": [{"operator": "Exists"}]}
    pods.sides.virt_api.objects.patch(PLACE, {"spec": change})
    await pods.settle()
    assert pods.host()["spec"] == before


async def test_what_the_host_injected_is_left_alone(pods: Pods) -> None:
    await running(pods)
    meta = {"annotations": {"sidecar.istio.io/status": "x"}, "labels": {"mesh": "on"}}
    pods.sides.host_api.objects.patch(pods.host_place, {"metadata": meta})
    sidecar = [{"name": "proxy", "image": "proxy:1"}]
    pods.sides.host_api.objects.patch(
        pods.host_place, {"spec": {"containers": sidecar}}, strategic=True
    )
    await pods.settle()
    assert pods.host()["metadata"]["annotations"]["sidecar.istio.io/status"] == "x"
    assert len(pods.host()["spec"]["containers"]) == 2


# --- ephemeral containers


async def test_ephemeral_container_is_passed_on_where_the_host_grants_it(sides: Sides) -> None:
    pods = Pods(sides, more=("ephemeralcontainers",))
    await running(pods)
    debug = [container(name="debug", targetContainerName="main")]
    sides.virt_api.objects.patch(
        PLACE, {"spec": {"ephemeralContainers": debug}}, "ephemeralcontainers"
    )
    await pods.settle()
    (made,) = pods.host()["spec"]["ephemeralContainers"]
    assert (made["name"], made["targetContainerName"]) == ("debug", "main")
    two = [*debug, container(name="debug-2", targetContainerName="main")]
    change = {"spec": {"ephemeralContainers": two}}
    sides.virt_api.objects.patch(PLACE, change, "ephemeralcontainers")
    await pods.step()
    await pods.reconcile()
    assert sides.writes() == [("host", "PATCH", "pods/ephemeralcontainers")]


async def test_ephemeral_container_stays_behind_where_the_host_does_not(pods: Pods) -> None:
    await running(pods)
    debug = {"ephemeralContainers": [container(name="debug")]}
    pods.sides.virt_api.objects.patch(PLACE, {"spec": debug}, "ephemeralcontainers")
    await pods.settle()
    assert "ephemeralContainers" not in pods.host()["spec"]


async def test_refused_ephemeral_container_does_not_hide_how_the_pod_is(sides: Sides) -> None:
    """Threats A6."""
    pods = Pods(sides, more=("ephemeralcontainers",))
    await running(pods)
    debug = [container(name="debug", securityContext={"privileged": True})]
    sides.virt_api.objects.patch(
        PLACE, {"spec": {"ephemeralContainers": debug}}, "ephemeralcontainers"
    )
    pods.status(podIP="10.42.0.77")
    sides.sync()
    with pytest.raises(Refused, match="privileged"):
        await pods.reconcile()
    assert "ephemeralContainers" not in pods.host()["spec"]
    assert pods.virt()["status"]["podIP"] == "10.42.0.77"


async def test_host_that_refuses_a_change_does_not_hide_how_the_pod_is(pods: Pods) -> None:
    await running(pods)
    pods.sides.virt_api.objects.patch(PLACE, {"metadata": {"labels": {"app": "new"}}})
    pods.status(podIP="10.42.0.77")
    pods.sides.host_api.faults.add(Fault("PATCH", "pods", status=500))
    pods.sides.sync()
    with pytest.raises(ServerError):
        await pods.reconcile()
    assert pods.virt()["status"]["podIP"] == "10.42.0.77"


async def test_lost_service_account_does_not_hide_how_the_pod_is(pods: Pods) -> None:
    await running(pods, volumes=[TOKEN])
    pods.clock.advance(3600)
    pods.status(podIP="10.42.0.77")
    pods.sides.virt_api.faults.add(Fault("POST", "serviceaccounts/token", status=404))
    pods.sides.sync()
    with pytest.raises(NotFound):
        await pods.reconcile()
    assert pods.virt()["status"]["podIP"] == "10.42.0.77"


# --- status on the way up


async def test_tokens_are_there_before_the_pod_and_their_renewal_is_planned(pods: Pods) -> None:
    pods.sides.add_virt("pods", pod(volumes=[TOKEN]))
    await pods.reconcile()
    assert [each.resource for each in pods.sides.host_api.writes()] == ["secrets", "pods"]
    assert len(pods.queue._due) == 1


async def test_tokens_of_a_running_pod_are_renewed_and_their_next_renewal_planned(
    pods: Pods,
) -> None:
    await running(pods, volumes=[TOKEN])
    pods.queue._due.clear()
    pods.clock.advance(3000)
    pods.sides.virt_api.token_seconds += 3600
    await pods.step()
    assert len(pods.sides.asked("virt", "POST", "serviceaccounts/token")) == 1
    assert len(pods.queue._due) == 1


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
async def test_tokens_of_a_pod_that_ended_are_not_renewed(pods: Pods, phase: str) -> None:
    await running(pods, volumes=[TOKEN])
    pods.status(phase=phase)
    pods.clock.advance(100_000)
    await pods.step()
    assert not pods.sides.asked("virt", "POST", "serviceaccounts/token")


async def test_pod_that_goes_gets_nothing_new(pods: Pods) -> None:
    await running(pods, volumes=[TOKEN])
    pods.sides.virt_api.objects.patch(PLACE, {"metadata": {"labels": {"app": "new"}}})
    pods.sides.virt_api.objects.delete(PLACE, {"gracePeriodSeconds": 5})
    pods.clock.advance(100_000)
    await pods.step()
    assert pods.sides.writes() == [("host", "DELETE", "pods")]


async def test_condition_of_a_gate_that_changed_meanwhile_is_not_taken_back(pods: Pods) -> None:
    gate = {"conditionType": "lb/ready"}
    await running(pods, readinessGates=[gate])
    ready = {"type": "Ready", "status": "True"}
    pods.status(conditions=[ready])
    await pods.settle()
    pods.sides.sync()
    opened = [*pods.virt()["status"]["conditions"], {"type": "lb/ready", "status": "True"}]
    pods.sides.virt_api.objects.patch(PLACE, {"status": {"conditions": opened}}, "status")
    pods.status(podIP="10.42.0.77")
    pods.sides.world.host["pods"].replace([{**pods.host()}])  # the virtual watch lags behind
    await pods.reconcile()
    found = {each["type"]: each["status"] for each in pods.virt()["status"]["conditions"]}
    assert found["lb/ready"] == "True"
    await pods.settle()
    found = {each["type"]: each["status"] for each in pods.virt()["status"]["conditions"]}
    assert found["lb/ready"] == found["Ready"] == "True"


async def test_status_is_written_once_and_not_at_rest(pods: Pods) -> None:
    await running(pods)
    conditions = [{"type": "Ready", "status": "True", "observedGeneration": 1}]
    pods.status(conditions=conditions, qosClass="Burstable")
    await pods.step()
    assert pods.sides.writes() == [("virt", "PATCH", "pods/status")]
    await pods.step()
    assert pods.sides.writes() == []


async def test_late_status_of_an_earlier_pod_is_not_written_to_its_successor(pods: Pods) -> None:
    """Threats R26: the watch of the virtual side lags behind."""
    await running(pods)
    pods.status(phase="Failed")
    pods.sides.world.host["pods"].replace([pods.host()])
    pods.sides.virt_api.objects.remove(PLACE)
    pods.sides.virt_api.objects.create("pods", "default", pod())
    with pytest.raises(Conflict):
        await pods.reconcile()
    assert pods.virt()["status"]["phase"] == "Pending"


async def test_tokens_of_a_pod_that_ended_go(pods: Pods) -> None:
    await running(pods, volumes=[TOKEN])
    assert pods.sides.host_api.objects.of("secrets")
    pods.sides.host_api.objects.remove(pods.host_place)
    await pods.settle()
    assert pods.sides.host_api.objects.of("secrets") == []


async def test_tokens_go_before_the_deleted_pod_does(pods: Pods) -> None:
    await running(pods, volumes=[TOKEN])
    pods.sides.virt_api.objects.delete(PLACE, {"gracePeriodSeconds": 5})
    pods.sides.host_api.objects.remove(pods.host_place)
    await pods.step()
    assert pods.sides.writes() == [("virt", "DELETE", "pods"), ("host", "DELETE", "secrets")]


async def test_own_writes_are_known_before_a_watch_shows_them(pods: Pods) -> None:
    await running(pods)
    pods.sides.virt_api.objects.patch(PLACE, {"metadata": {"labels": {"app": "new"}}})
    pods.status(podIP="10.42.0.77")
    await pods.step()
    assert sorted(pods.sides.writes()) == [
        ("host", "PATCH", "pods"),
        ("virt", "PATCH", "pods/status"),
    ]
    await pods.reconcile()
    assert pods.sides.writes() == []
    pods.sides.host_api.objects.remove(pods.host_place)
    await pods.step()
    assert pods.sides.writes() == [("virt", "PATCH", "pods/status")]
    await pods.reconcile()
    assert pods.sides.writes() == []


# --- sizes

SMALL = {"requests": {"cpu": "1", "example.com/gpu": "1"}}


async def _resize(pods: Pods, cpu: str) -> None:
    await running(pods, containers=[container(resources=SMALL)])
    resources = {"requests": {"cpu": cpu, "example.com/gpu": "1"}}
    change = {"containers": [container(resources=resources)]}
    pods.sides.virt_api.objects.patch(PLACE, {"spec": change})
    pods.sides.sync()


async def test_resize_is_passed_on_where_the_host_grants_it(sides: Sides) -> None:
    pods = Pods(sides, more=("resize",))
    await _resize(pods, "2")
    await pods.reconcile()
    assert len(sides.asked("host", "PATCH", "pods/resize")) == 1
    await pods.settle()  # and no more
    (made,) = pods.host()["spec"]["containers"]
    assert made["resources"]["requests"]["cpu"] == "2"
    assert made["env"]  # the rest of the container stays


async def test_resize_that_is_not_granted_is_told_and_hides_nothing(pods: Pods) -> None:
    await _resize(pods, "2")
    pods.status(podIP="10.42.0.77")
    pods.sides.sync()
    with pytest.raises(Refused, match=r"sync\.pods\.resize"):
        await pods.reconcile()
    assert pods.host()["spec"]["containers"][0]["resources"] == SMALL
    assert pods.virt()["status"]["podIP"] == "10.42.0.77"


async def test_size_that_the_host_chose_is_left_alone(sides: Sides) -> None:
    pods = Pods(sides, more=("resize",))
    await running(pods, containers=[container(resources=SMALL)])
    by_host = {"containers": [{"name": "main", "resources": {"requests": {"cpu": "9"}}}]}
    sides.host_api.objects.patch(pods.host_place, {"spec": by_host}, strategic=True)
    await pods.settle()
    assert pods.host()["spec"]["containers"][0]["resources"]["requests"]["cpu"] == "9"


async def test_tokens_are_renewed_although_a_change_is_refused(pods: Pods) -> None:
    await running(pods, containers=[container(resources=SMALL)], volumes=[TOKEN])
    change = {"containers": [container(resources={"requests": {"cpu": "2"}})]}
    pods.sides.virt_api.objects.patch(PLACE, {"spec": change})
    pods.clock.advance(3600)
    pods.sides.sync()
    pods.sides.writes()
    with pytest.raises(Refused):
        await pods.reconcile()
    assert ("host", "PATCH", "secrets") in pods.sides.writes()
