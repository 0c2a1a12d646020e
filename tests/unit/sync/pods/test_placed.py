"""Pods where k3s runs a scheduler: it chooses the node, the host puts the pod there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from syncer.errors import Conflict, NotYet
from syncer.kube.objects import Key, Obj
from syncer.sync.events import EventMirror
from tests.unit.build import SCOPE, claim, container, host_node, pod, twin
from tests.unit.pod_life import PLACE, Pods
from tests.unit.sides import both_sides

pytestmark = pytest.mark.timeout(10)
FOO, GPU = "scheduling.k8s.io/foo", "example.com/gpu"
UNSCHEDULABLE = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
DISRUPTED = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}


@pytest.fixture
async def pods() -> AsyncIterator[Pods]:
    async with both_sides(SCOPE._replace(virtual_scheduler=True)) as sides:
        made = Pods(sides)
        offer = {GPU: "1", "cpu": "2"}
        sides.add_host("nodes", host_node(status={"capacity": offer, "allocatable": offer}))
        yield made


def _choose(pods: Pods, node: str = "node-1") -> None:
    """Do what the virtual scheduler does."""
    pods.sides.virt_api.objects.bind(PLACE, {"metadata": {}, "target": {"name": node}})


async def _placed(pods: Pods, **spec: Any) -> Obj:
    pods.sides.add_virt("pods", pod(**spec))
    _choose(pods)
    await pods.settle()
    host_spec: Obj = pods.host()["spec"]
    return host_spec


async def test_pod_stays_inside_until_the_virtual_scheduler_has_chosen(pods: Pods) -> None:
    pods.sides.add_virt("pods", pod())
    await pods.settle()
    assert pods.sides.host_obj("pods", "web") is None
    _choose(pods)
    await pods.settle()
    assert pods.sides.host_obj("pods", "web") is not None


async def test_the_hosts_scheduler_is_told_the_node_and_none_of_the_wishes(pods: Pods) -> None:
    """Threats A9: it is told, never passed by, so that its taints and room count."""
    rule = {"key": "own", "operator": "In", "values": ["x"]}
    spec = await _placed(
        pods,
        nodeSelector={"own": "x"},
        affinity={
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [{"matchExpressions": [rule]}]
                }
            },
            "podAntiAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "own"}]
            },
        },
        topologySpreadConstraints=[
            {"maxSkew": 1, "topologyKey": "own", "whenUnsatisfiable": "DoNotSchedule"}
        ],
    )
    assert not {"nodeName", "nodeSelector", "topologySpreadConstraints"} & spec.keys()
    (term,) = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][
        "nodeSelectorTerms"
    ]
    assert set(spec["affinity"]) == {"nodeAffinity"}
    assert term == {
        "matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-1"]}]
    }


async def test_resources_that_only_the_virtual_node_has_stay_inside(pods: Pods) -> None:
    amounts = {"cpu": "100m", FOO: "3", GPU: "1"}
    main = container(resources={"requests": amounts, "limits": {**amounts, "memory": "1Gi"}})
    spec = await _placed(pods, containers=[main])
    kept = {"cpu": "100m", GPU: "1"}
    assert spec["containers"][0]["resources"] == {
        "requests": kept,
        "limits": {**kept, "memory": "1Gi"},
    }


@pytest.mark.parametrize("node", ["gone", "node-2"])
async def test_pod_on_a_node_that_the_host_has_not_waits(pods: Pods, node: str) -> None:
    pods.sides.add_virt("pods", pod())
    _choose(pods, node)
    with pytest.raises(NotYet, match=node):
        await pods.step()
    assert pods.sides.host_obj("pods", "web") is None


async def test_the_host_says_nothing_about_whether_the_pod_is_scheduled(pods: Pods) -> None:
    await _placed(pods)
    pods.status(conditions=[UNSCHEDULABLE])
    await pods.settle()
    conditions = {each["type"]: each["status"] for each in pods.virt()["status"]["conditions"]}
    assert conditions == {"PodScheduled": "True"}


async def _named(pods: Pods, **spec: Any) -> None:
    """Create a pod that names its node itself, which passes every scheduler by."""
    pods.sides.add_virt("pods", pod(nodeName="node-1", **spec))
    await pods.settle()
    pods.sides.sync()


async def test_pod_that_named_its_node_is_scheduled_when_it_is_there(pods: Pods) -> None:
    await _named(pods)
    pods.run()
    pods.status(conditions=[{"type": "PodScheduled", "status": "True"}])
    await pods.settle()
    assert pods.virt()["status"]["conditions"] == [{"type": "PodScheduled", "status": "True"}]


async def test_pod_that_named_a_node_without_room_fails_as_on_any_node(pods: Pods) -> None:
    await _named(pods)
    message = "1 node(s) didn't have free ports for the requested pod ports"
    pods.status(conditions=[{**UNSCHEDULABLE, "message": message}])
    await pods.settle()
    status = pods.virt()["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "NotAdmitted")
    assert message in status["message"]
    assert pods.sides.host_obj("pods", "web") is None


async def test_pod_that_named_its_node_and_waits_for_its_volume_does_not_fail(pods: Pods) -> None:
    bound = claim("data", status={"phase": "Bound"})
    pods.sides.add_virt("persistentvolumeclaims", bound)
    pods.sides.add_host("persistentvolumeclaims", twin(bound, "persistentvolumeclaims"))
    volume = {"name": "v", "persistentVolumeClaim": {"claimName": "data"}}
    await _named(pods, volumes=[volume])
    pods.status(conditions=[UNSCHEDULABLE])
    await pods.settle()
    assert pods.virt()["status"]["phase"] == "Pending"
    assert pods.sides.host_obj("pods", "web") is not None


async def test_pod_that_found_room_in_the_last_moment_runs(pods: Pods) -> None:
    await _named(pods)
    pods.status(conditions=[UNSCHEDULABLE])
    pods.sides.sync()
    pods.run()  # the watch has not shown it yet
    with pytest.raises(Conflict):
        await pods.reconcile()
    await pods.settle()
    assert pods.virt()["status"]["phase"] == "Running"
    assert pods.sides.host_obj("pods", "web") is not None


async def test_what_the_virtual_scheduler_writes_meanwhile_is_not_undone(pods: Pods) -> None:
    await _placed(pods)
    pods.run()
    pods.sides.sync()
    have = pods.virt()["status"]["conditions"]
    change = {"status": {"conditions": [*have, DISRUPTED], "nominatedNodeName": "node-1"}}
    pods.sides.virt_api.objects.patch(PLACE, change, "status")
    pods.status(conditions=[{"type": "Ready", "status": "True"}])
    pods.sides.world.host["pods"].replace([{**pods.host()}])  # the virtual watch lags behind
    await pods.reconcile()
    status = pods.virt()["status"]
    assert {"Ready", "DisruptionTarget", "PodScheduled"} == {
        each["type"] for each in status["conditions"]
    }
    assert status["nominatedNodeName"] == "node-1"
    await pods.settle()
    assert DISRUPTED in pods.virt()["status"]["conditions"]


@pytest.mark.parametrize(
    ("reason", "told"), [("Scheduled", False), ("FailedScheduling", True), ("Pulled", True)]
)
async def test_event_says_once_that_the_pod_was_scheduled(
    pods: Pods,
    reason: str,
    told: bool,  # noqa: FBT001
) -> None:
    await _placed(pods)
    meta = pods.host()["metadata"]
    involved = {"kind": "Pod", **{field: meta[field] for field in ("namespace", "name", "uid")}}
    event = {"metadata": {"name": "e"}, "involvedObject": involved, "reason": reason}
    pods.sides.add_host("events", {**event, "message": "m", "type": "Normal"})
    mirror = EventMirror(pods.sides.world, pods.sides.virt)
    await mirror.reconcile(Key("events", meta["namespace"], "e"))
    assert bool(pods.sides.asked("virt", "POST", "events")) is told


async def test_host_pod_that_was_lost_before_any_kubelet_saw_it_is_made_again(pods: Pods) -> None:
    await _placed(pods)
    pods.sides.host_api.objects.remove(pods.host_place)
    await pods.settle()
    assert pods.sides.host_obj("pods", "web") is not None


async def test_host_pod_that_a_kubelet_has_seen_is_never_made_again(pods: Pods) -> None:
    await _placed(pods)
    pods.run()
    await pods.settle()
    pods.sides.host_api.objects.remove(pods.host_place)
    await pods.settle()
    assert pods.sides.host_obj("pods", "web") is None
    assert pods.virt()["status"]["phase"] == "Failed"
