"""The stages on the way to a usable virtual cluster, and what holds it up: a truth table."""

from __future__ import annotations

from typing import Any

import pytest

from syncer.kube.objects import Obj
from tests.unit.cli.conftest import statefulset
from tests.unit.cli.fakes import READY
from virtualcluster_cli.stages import View, broken_container, held, stages

SET = statefulset()


def pod(*, waiting: str = "", said: str = "", where: str = "containerStatuses", **more: Any) -> Obj:
    state = {"waiting": {"reason": waiting, "message": said}}
    status: Obj = {"conditions": [{"type": "PodScheduled", "status": "True"}]}
    if waiting:
        status[where] = [{"name": "syncer", "image": "reg.example/s:1", "state": state, **more}]
    return {"metadata": {"name": "dev-0", "namespace": "team-x"}, "status": status}


def unscheduled(message: str = "0/2 nodes are available") -> Obj:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    status = {"conditions": [{**condition, "message": message}]}
    return {"metadata": {"name": "dev-0", "namespace": "team-x"}, "status": status}


def event(reason: str, message: str, about: str = "dev") -> Obj:
    return {"reason": reason, "message": message, "involvedObject": {"name": about}}


def claim(storage_class: str | None = None, phase: str = "Pending") -> Obj:
    spec = {"storageClassName": storage_class} if storage_class else {}
    return {"metadata": {"name": "dev-data"}, "spec": spec, "status": {"phase": phase}}


def dns(*, ready: bool) -> Obj:
    notes = {"virtualcluster.dev/namespace": "kube-system", "virtualcluster.dev/name": "coredns-1"}
    status = {"conditions": [{"type": "Ready", "status": str(ready)}]}
    return {"metadata": {"annotations": notes}, "status": status}


READY_POD = {"metadata": {"name": "dev-0"}, "status": READY}
NOT_IN_STEP = {
    **READY,
    "conditions": READY["conditions"][:2],
    "containerStatuses": [
        {"name": "virtual-cluster", "ready": True, "state": {"running": {}}},
        {"name": "syncer", "ready": False, "state": {"running": {}}},
    ],
}


@pytest.mark.parametrize(
    ("view", "done"),
    [
        (View(), 0),
        (View(SET), 1),
        (View(SET, unscheduled()), 1),
        (View(SET, pod()), 2),
        (View(SET, {"metadata": {}, "status": NOT_IN_STEP}), 4),
        (View(SET, READY_POD), 5),
        (View(SET, READY_POD, synced=(dns(ready=False),)), 5),
        (View(SET, READY_POD, synced=(dns(ready=True),)), 6),
    ],
)
def test_stages_come_one_after_the_other(view: View, done: int) -> None:
    assert [each.done for each in stages(view)] == [True] * done + [False] * (6 - done)


def test_a_pod_that_is_deleted_is_not_usable() -> None:
    gone = {"metadata": {"deletionTimestamp": "now"}, "status": READY}
    assert not stages(View(SET, gone))[4].done


QUOTA = 'pods "dev-0" is forbidden: exceeded quota: q, requested: limits.memory=2Gi, used: 1Gi'
SECURITY = 'pods "dev-0" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot'
LIMITS = 'pods "dev-0" is forbidden: failed quota: q: must specify limits.cpu'
WEBHOOK = 'admission webhook "policy.example" denied the request: no'
NO_CLASS = "no persistent volumes available for this claim and no storage class is set"


@pytest.mark.parametrize(
    ("view", "cause", "cure"),
    [
        (View(SET, events=(event("FailedCreate", QUOTA),)), "exceeded quota: q", "raise the quota"),
        (View(SET, events=(event("FailedCreate", SECURITY),)), "PodSecurity", "podSecurityContext"),
        (View(SET, events=(event("FailedCreate", LIMITS),)), "must specify", "resources"),
        (View(SET, events=(event("FailedCreate", WEBHOOK),)), "policy.example", "correct"),
        (View(SET, unscheduled()), "cannot be scheduled", "free resources"),
        (
            View(SET, unscheduled(), claim(), (event("FailedBinding", NO_CLASS, "dev-data"),)),
            "no default StorageClass",
            "storage.className",
        ),
        (
            View(
                SET,
                unscheduled(),
                claim("fast"),
                (event("ProvisioningFailed", '"fast" not found', "dev-data"),),
            ),
            '"fast" not found',
            "storage.className",
        ),
        (
            View(SET, pod(waiting="ImagePullBackOff", said="denied")),
            "reg.example/s:1 of container syncer cannot be pulled (denied)",
            "imagePullSecrets",
        ),
        (View(SET, pod(waiting="InvalidImageName")), "cannot be pulled", "syncer.image"),
        (
            View(SET, pod(waiting="ErrImagePull", where="initContainerStatuses")),
            "cannot be pulled",
            "syncer.image",
        ),
        (
            View(
                SET,
                pod(waiting="CrashLoopBackOff", lastState={"terminated": {"exitCode": 3}}),
                last_line="the Role does not grant: list pods",
            ),
            "keeps crashing (the Role does not grant: list pods)",
            "kubectl logs dev-0 -n team-x -c syncer --previous",
        ),
        (
            View(preflight=pod(waiting="ErrImagePull", said="denied")),
            "cannot be pulled (denied)",
            "syncer.image",
        ),
    ],
)
def test_what_holds_it_up_has_a_cause_and_a_cure(view: View, cause: str, cure: str) -> None:
    found = held(view)
    assert found is not None
    assert cause in found.cause
    assert cure in found.cure
    assert "\n" not in f"{found.cause}{found.cure}"


@pytest.mark.parametrize(
    "view",
    [
        View(),
        View(SET),
        View(SET, pod(waiting="ContainerCreating")),
        View(SET, pod(waiting="PodInitializing")),
        View(SET, READY_POD),
        # The pod is there: what kept it away is over.
        View(SET, pod(), events=(event("FailedCreate", QUOTA),)),
        View(SET, READY_POD, claim(), (event("WaitForFirstConsumer", "waiting", "dev-data"),)),
    ],
)
def test_what_only_takes_its_time_is_no_trouble(view: View) -> None:
    assert held(view) is None


def test_the_container_whose_log_tells() -> None:
    assert broken_container(pod(waiting="CrashLoopBackOff")) == "syncer"
    assert broken_container(pod(waiting="ImagePullBackOff")) == ""
    assert broken_container(None) == ""
