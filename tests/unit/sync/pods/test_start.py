"""A pod on its way to the host: what it waits for, and what keeps it from getting there."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from syncer import identity
from syncer.errors import AlreadyExists, NotYet, Refused, ServerError
from syncer.kube.objects import Key, Obj
from syncer.state.token_index import holders
from syncer.sync.pods.reconciler import MANY
from tests.unit.build import (
    claim,
    configmap,
    container,
    pod,
    twin,
    unmarked,
)
from tests.unit.fake_faults import Fault
from tests.unit.fake_objects import Place
from tests.unit.pod_life import TOKEN, Pods
from tests.unit.sides import Sides

pytestmark = pytest.mark.timeout(10)
SET = {"ownerReferences": [{"kind": "ReplicaSet", "name": "web", "uid": "rs", "controller": True}]}


@pytest.fixture
def pods(sides: Sides) -> Pods:
    return Pods(sides)


# --- what a pod waits for


async def test_pod_waits_for_the_dns_service(sides: Sides) -> None:
    pods = Pods(sides)
    sides.host_api.objects.remove(Place("services", "team-x", "kube-dns-x-kube-system-x-vc"))
    sides.add_virt("pods", pod())
    with pytest.raises(NotYet, match="DNS"):
        await pods.reconcile()
    assert sides.writes() == []


@pytest.mark.parametrize(
    ("kind", "made", "volume"),
    [
        ("configmaps", configmap("x"), {"configMap": {"name": "x"}}),
        ("persistentvolumeclaims", claim("x"), {"persistentVolumeClaim": {"claimName": "x"}}),
    ],
)
async def test_pod_waits_for_the_twins_of_what_it_names(
    pods: Pods, kind: str, made: Obj, volume: Obj
) -> None:
    pods.sides.add_virt(kind, made)
    pods.sides.add_virt("pods", pod(volumes=[{"name": "v", **volume}]))
    with pytest.raises(NotYet, match=f"{kind} x"):
        await pods.reconcile()
    assert await pods.queue.take() == Key(kind, "default", "x")
    pods.sides.add_host(kind, twin(made, kind))
    await pods.reconcile()
    assert pods.sides.host_obj("pods", "web") is not None


async def test_pod_does_not_wait_for_what_the_tenant_does_not_have(pods: Pods) -> None:
    """To report it is the kubelet's business."""
    pods.sides.add_virt("pods", pod(volumes=[{"name": "v", "configMap": {"name": "none"}}]))
    await pods.reconcile()
    assert pods.sides.host_obj("pods", "web") is not None


# --- refusals


@pytest.mark.parametrize(
    "spec",
    [
        {"hostNetwork": True, "volumes": [TOKEN]},
        {"volumes": [TOKEN, {"name": "v", "hostPath": {"path": "/"}}]},
        {"containers": [container(securityContext={"privileged": True})], "volumes": [TOKEN]},
    ],
)
async def test_refused_pod_leaves_nothing_on_the_host(pods: Pods, spec: Obj) -> None:
    """Threats A: REFUSE means no host object, not even a token."""
    pods.sides.add_virt("pods", pod(**spec))
    with pytest.raises(Refused):
        await pods.reconcile()
    assert pods.sides.writes() == []


@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("virt_exists", [True, False])
async def test_host_pod_that_is_not_ours_stays_as_it_is(
    pods: Pods,
    labelled: bool,  # noqa: FBT001
    virt_exists: bool,  # noqa: FBT001
) -> None:
    """Threats D4."""
    stranger = unmarked(pod(), "pods")
    if labelled:
        stranger["metadata"]["labels"] = {identity.MANAGED_BY: "vc"}
    before = copy.deepcopy(pods.sides.add_host("pods", stranger))
    if virt_exists:
        pods.sides.add_virt("pods", pod())
        with pytest.raises(Refused, match="left alone"):
            await pods.reconcile()
    else:
        await pods.reconcile()
    assert pods.host() == before


async def test_create_whose_answer_was_lost_makes_one_pod(pods: Pods) -> None:
    """Threats R9."""
    pods.sides.add_virt("pods", pod())
    pods.sides.host_api.faults.add(Fault("POST", "pods", status=504, commit=True))
    with pytest.raises(ServerError):
        await pods.reconcile()
    with pytest.raises(AlreadyExists):
        await pods.reconcile()
    await pods.reconcile()
    assert len(pods.sides.host_api.objects.of("pods")) == 1


@pytest.mark.parametrize(("waiting", "secrets"), [(0, 1), (MANY - 1, 1), (MANY, 1 + MANY)])
async def test_tokens_of_pods_that_wait_come_together_where_many_do(
    pods: Pods, waiting: int, secrets: int
) -> None:
    """Held by one Secret, by the number of pods in it: the first one's, and those that wait."""
    pods.sides.add_virt("pods", pod(volumes=[TOKEN]))
    for number in range(waiting):
        pods.sides.add_virt("pods", pod(f"more-{number}", volumes=[TOKEN]))
        pods.queue.add(Key("pods", "default", f"more-{number}"))
    await pods.step()
    (made,) = pods.sides.host_api.objects.of("secrets")
    assert len(holders(made)) == secrets


@pytest.mark.parametrize(
    "not_to_be_made",
    [
        {"status": {"phase": "Succeeded"}},
        {"schedulingGates": [{"name": "wait"}]},
        {"status": {"phase": "Pending", "startTime": "2026-01-01T00:00:00Z"}},
        {"namespace": "other"},
    ],
)
async def test_pods_that_are_not_next_to_be_made_get_no_tokens(
    pods: Pods, not_to_be_made: dict[str, Any]
) -> None:
    pods.sides.add_virt("pods", pod(volumes=[TOKEN]))
    for number in range(MANY):
        made = pods.sides.add_virt("pods", pod(f"more-{number}", volumes=[TOKEN], **not_to_be_made))
        pods.queue.add(Key("pods", made["metadata"]["namespace"], f"more-{number}"))
    await pods.step()
    (made,) = pods.sides.host_api.objects.of("secrets")
    assert list(holders(made)) == ["web"]
