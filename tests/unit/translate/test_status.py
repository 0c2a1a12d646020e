"""Status on its way up: what the host reports, and what is the virtual pod's own."""

from typing import Any

import pytest

from syncer.kube.objects import Obj
from syncer.translate.status import claim, difference, load_balancer, of_pod, pod
from tests.unit import build

READY = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
NOT_READY = {"type": "Ready", "status": "False", "reason": "ContainersNotReady"}


def _virt(*conditions: Obj, gates: tuple[str, ...] = (), **status: Any) -> Obj:
    spec: dict[str, Any] = (
        {"readinessGates": [{"conditionType": gate} for gate in gates]} if gates else {}
    )
    return build.pod(status={"phase": "Pending", "conditions": list(conditions), **status}, **spec)


def _host(*conditions: Obj, **status: Any) -> Obj:
    return {"status": {"phase": "Running", "conditions": list(conditions), **status}}


def test_status_is_what_the_host_reports() -> None:
    reported = {
        "phase": "Running",
        "podIP": "10.42.0.5",
        "podIPs": [{"ip": "10.42.0.5"}],
        "hostIP": "192.168.0.1",
        "hostIPs": [{"ip": "192.168.0.1"}],
        "startTime": "2026-01-01T00:00:00Z",
        "containerStatuses": [{"name": "main", "ready": True}],
        "initContainerStatuses": [{"name": "init"}],
        "ephemeralContainerStatuses": [{"name": "debug"}],
        "reason": "Evicted",
        "message": "The node was low on resource",
        "conditions": [READY],
    }
    assert pod({"status": reported}, _virt()) == reported


@pytest.mark.parametrize(
    "field",
    ["qosClass", "resize", "nominatedNodeName", "resourceClaimStatuses", "observedGeneration",
     "fieldOfTheFuture"],
)  # fmt: skip
def test_field_that_is_not_the_hosts_to_tell_stays_behind(field: str) -> None:
    assert pod(_host(**{field: "x"}), _virt()) == {"phase": "Running"}


def test_condition_has_the_fields_that_every_version_knows() -> None:
    condition = {**READY, "observedGeneration": 3}
    assert pod(_host(condition), _virt())["conditions"] == [READY]


GATE = {"type": "lb/ready", "status": "True"}
CLOSED = {"type": "lb/ready", "status": "False"}


@pytest.mark.parametrize(
    ("host", "virt", "gates", "expected"),
    [
        ([READY], [], (), [READY]),
        ([READY], [GATE], (), [READY, GATE]),
        ([READY], [GATE], ("lb/ready",), [READY, GATE]),
        ([NOT_READY], [GATE], ("lb/ready",), [NOT_READY, GATE]),
        ([READY], [CLOSED], ("lb/ready",), [None, CLOSED]),
        ([READY], [], ("lb/ready",), [None]),
        ([READY], [GATE], ("lb/ready", "other"), [None, GATE]),
        # The host's people may have a condition of that type: it is not the virtual gate's.
        ([READY, CLOSED], [GATE], ("lb/ready",), [READY, GATE]),
    ],
)
def test_pod_is_ready_when_its_containers_and_its_gates_are(
    host: list[Obj], virt: list[Obj], gates: tuple[str, ...], expected: list[Obj | None]
) -> None:
    waiting = {**READY, "status": "False", "reason": "ReadinessGatesNotReady"}
    made = pod(_host(*host), _virt(*virt, gates=gates))["conditions"]
    for condition in made:
        if condition.get("reason") == "ReadinessGatesNotReady":
            condition.pop("message")
    assert made == [waiting if each is None else each for each in expected]


@pytest.mark.parametrize(
    ("host", "virt"),
    [
        (_host(READY, podIP="10.42.0.5"), _virt()),
        (_host({**READY, "observedGeneration": 3}), _virt({**GATE, "observedGeneration": 3})),
        (
            _host(READY),
            _virt({**GATE, "observedGeneration": 3, "lastProbeTime": None}, gates=("lb/ready",)),
        ),
        (_host(), _virt(READY, podIP="10.42.0.9", reason="old")),
        ({}, _virt()),
        ({"status": {"phase": "Pending"}}, _virt(qosClass="Burstable")),
    ],
)
def test_status_that_was_written_up_is_not_written_again(host: Obj, virt: Obj) -> None:
    made = pod(host, virt)
    assert of_pod({**virt, "status": {**virt["status"], **made}}) == {
        **of_pod(virt),
        **made,
    }
    written = {**virt, "status": made}
    assert of_pod(written) == pod(host, written)


SCHEDULED = {"type": "PodScheduled", "status": "True"}
UNSCHEDULED = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
DISRUPTED = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}
EVICTED = {**DISRUPTED, "reason": "TerminationByKubelet"}


@pytest.mark.parametrize(
    ("host", "virt", "placed", "expected"),
    [
        # Who preempts or evicts a virtual pod says so on it, and on no host pod.
        ([READY], [DISRUPTED], False, [READY, DISRUPTED]),
        # The host evicted it: then it is the host's word that counts.
        ([EVICTED], [DISRUPTED], False, [EVICTED]),
        # What a kubelet takes back goes.
        ([READY], [{"type": "PodResizePending", "status": "True"}], False, [READY]),
        ([UNSCHEDULED], [SCHEDULED], False, [UNSCHEDULED]),
        ([], [SCHEDULED], False, None),
        # Where k3s runs a scheduler, the host's only puts the pod where that one wants it.
        ([UNSCHEDULED], [SCHEDULED], True, [SCHEDULED]),
        ([SCHEDULED], [UNSCHEDULED], True, [UNSCHEDULED]),
        ([], [SCHEDULED], True, [SCHEDULED]),
    ],
)  # fmt: skip
def test_condition_belongs_to_whoever_decides_about_it(
    host: list[Obj],
    virt: list[Obj],
    placed: bool,  # noqa: FBT001
    expected: list[Obj] | None,
) -> None:
    assert pod(_host(*host), _virt(*virt), placed=placed).get("conditions") == expected


@pytest.mark.parametrize(
    ("have", "want", "expected"),
    [
        ({}, {}, {}),
        ({"phase": "Pending"}, {"phase": "Running"}, {"phase": "Running"}),
        ({"reason": "x"}, {}, {"reason": None}),
        (
            {"podIPs": [{"ip": "a"}]},
            {"podIPs": [{"ip": "b"}]},
            {"podIPs": [{"$patch": "replace"}, {"ip": "b"}]},
        ),
        ({"podIPs": [{"ip": "a"}]}, {}, {"podIPs": None}),
        ({"conditions": [READY, GATE]}, {"conditions": [GATE, READY]}, {}),
        (
            {"conditions": [NOT_READY, GATE]},
            {"conditions": [READY, GATE]},
            {"conditions": [{**READY, "reason": None}]},
        ),
        (
            {"conditions": [READY, GATE]},
            {"conditions": [READY]},
            {"conditions": [{"$patch": "delete", "type": "lb/ready"}]},
        ),
    ],
)
def test_patch_names_only_what_changes(have: Obj, want: Obj, expected: Obj) -> None:
    assert difference(have, want) == expected


RESIZING = {"type": "Resizing", "status": "True"}
WAITS = {"type": "FileSystemResizePending", "status": "True", "message": "waits for a pod"}
OWN = {"type": "StatusPatched", "status": "True", "lastProbeTime": None}


def test_claim_tells_phase_modes_and_capacity() -> None:
    status = {"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}}
    host = {"status": {**status, "currentVolumeAttributesClassName": "gold"}}
    assert claim(host, {}) == status
    assert claim({}, {}) == {}


def test_claim_tells_how_it_grows() -> None:
    growth = {
        "allocatedResources": {"storage": "2Gi"},
        "allocatedResourceStatuses": {"storage": "ControllerResizeInProgress"},
    }
    assert claim({"status": growth}, {}) == growth
    assert claim({"status": growth}, {"status": growth}) == growth
    assert claim({}, {"status": growth}) == {field: {} for field in growth}


@pytest.mark.parametrize(
    ("host", "virt", "expected"),
    [
        ([RESIZING], [], [RESIZING]),
        ([{**RESIZING, "lastProbeTime": None, "observedGeneration": 3}], [], [RESIZING]),
        ([RESIZING, WAITS], [RESIZING], [RESIZING, WAITS]),
        ([WAITS], [RESIZING], [WAITS]),
        ([], [RESIZING], []),
        ([RESIZING], [{**RESIZING, "status": "False"}], [RESIZING]),
        # What the virtual API adds to a condition is no reason to write it again.
        ([RESIZING], [{**RESIZING, "lastProbeTime": None}], [{**RESIZING, "lastProbeTime": None}]),
        ([], [OWN], [OWN]),
        ([RESIZING], [OWN], [OWN, RESIZING]),
        ([RESIZING], [RESIZING, OWN], [RESIZING, OWN]),
        # Other conditions on the host are its people's.
        ([{"type": "StatusPatched", "status": "False"}], [OWN], [OWN]),
    ],
)
def test_conditions_of_growth_follow_the_host_and_others_are_the_tenants(
    host: list[Obj], virt: list[Obj], expected: list[Obj]
) -> None:
    made = claim({"status": {"conditions": host}}, {"status": {"conditions": virt}})
    assert made.get("conditions", []) == expected


def test_load_balancer_is_told_also_when_it_is_gone() -> None:
    ingress = {"ingress": [{"ip": "1.2.3.4"}]}
    assert load_balancer({"status": {"loadBalancer": ingress}}) == {"loadBalancer": ingress}
    assert load_balancer({"status": {}}) == {"loadBalancer": {}}
    assert load_balancer({}) == {"loadBalancer": {}}
