"""The end of a pod is the same on both sides, and in this order."""

from __future__ import annotations

import pytest

from tests.e2e import manifests
from tests.e2e.cluster import Obj
from tests.e2e.pods import wait_gone, wait_ready
from tests.e2e.release import Release, Virtual, virt_uid
from tests.e2e.waiting import until


def _twin(release: Release, virt_pod: Obj) -> Obj | None:
    uid = virt_pod["metadata"]["uid"]
    return next((pod for pod in release.host_pods() if virt_uid(pod) == uid), None)


def test_a_deleted_pod_stays_terminating_until_its_processes_have_ended(
    virt: Virtual, release: Release, space: str
) -> None:
    """A StatefulSet's successor must never run beside its predecessor."""
    stubborn = manifests.shell("trap '' TERM; while :; do sleep 1; done")
    virt.api.create(manifests.pod("stubborn", space, stubborn, terminationGracePeriodSeconds=6))
    (pod,) = wait_ready(virt, space, "stubborn")
    virt.kubectl("delete", "pod", "-n", space, "stubborn", "--wait=false")
    until(
        "the host pod is told to end",
        lambda: (_twin(release, pod) or {}).get("metadata", {}).get("deletionTimestamp"),
        10,
    )

    def virtual_gone() -> bool:
        # The host first, then inside: what is seen inside is never older than what is seen outside.
        runs = _twin(release, pod) is not None
        there = virt.api.find("Pod", "stubborn", space)
        gone = there is None or there["metadata"]["uid"] != pod["metadata"]["uid"]
        assert not (gone and runs and _twin(release, pod)), "gone inside while it runs outside"
        return gone

    until("the virtual pod is gone", virtual_gone, 60)
    assert _twin(release, pod) is None


def test_a_pods_own_time_to_end_is_obeyed(virt: Virtual, release: Release, space: str) -> None:
    virt.api.create(manifests.pod("patient", space, terminationGracePeriodSeconds=77))
    (pod,) = wait_ready(virt, space, "patient")
    twin = release.host_pod(pod)
    assert twin["spec"]["terminationGracePeriodSeconds"] == 77
    virt.kubectl("delete", "pod", "-n", space, "patient", "--grace-period=1", "--wait=false")
    wait_gone(virt, "Pod", space, "patient", pod["metadata"]["uid"], 30)
    assert _twin(release, pod) is None


def test_a_pod_made_again_under_its_name_gets_a_host_pod_of_its_own(
    virt: Virtual, release: Release, space: str
) -> None:
    virt.api.create(manifests.pod("again", space))
    (first,) = wait_ready(virt, space, "again")
    old = release.host_pod(first)
    virt.kubectl("delete", "pod", "-n", space, "again")
    virt.api.create(manifests.pod("again", space))
    (second,) = wait_ready(virt, space, "again")
    new = release.host_pod(second)
    assert second["metadata"]["uid"] != first["metadata"]["uid"]
    assert new["metadata"]["uid"] != old["metadata"]["uid"]
    assert new["metadata"]["name"] == old["metadata"]["name"]


def test_a_finalizer_holds_the_virtual_pod_and_not_the_host_pod(
    virt: Virtual, release: Release, space: str
) -> None:
    held = manifests.pod("held", space)
    held["metadata"]["finalizers"] = ["example.com/hold"]
    virt.api.create(held)
    (pod,) = wait_ready(virt, space, "held")
    assert not release.host_pod(pod)["metadata"].get("finalizers")
    virt.kubectl("delete", "pod", "-n", space, "held", "--wait=false")
    until("the host pod is gone", lambda: _twin(release, pod) is None, 60)
    assert virt.api.find("Pod", "held", space)
    virt.api.patch("Pod", "held", space, {"metadata": {"finalizers": None}})
    wait_gone(virt, "Pod", space, "held", pod["metadata"]["uid"], 30)


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_deleting_a_controller_leaves_no_pod(
    virt: Virtual, release: Release, space: str, kind: str
) -> None:
    name = kind.lower()
    made = manifests.deployment(name, space, 2)
    made["kind"] = kind
    if kind == "StatefulSet":
        made["spec"]["serviceName"] = name
    virt.api.create(made)
    labels = f"app={name}"

    def all_run() -> list[Obj] | None:
        pods = virt.api.all("Pod", space, labels)
        running = [pod for pod in pods if pod["status"].get("phase") == "Running"]
        return pods if len(running) == 2 else None

    pods = until(f"both pods of the {kind} run", all_run, 90)
    virt.kubectl("delete", name, name, "-n", space)
    until("its pods are gone inside", lambda: not virt.api.all("Pod", space, labels), 60)
    assert not [pod for pod in pods if _twin(release, pod)], "and so they are outside"
