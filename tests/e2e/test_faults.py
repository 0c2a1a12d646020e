"""Processes that are killed, while a Deployment rolls: all converges, no pod is doubled or lost."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.e2e import manifests
from tests.e2e.cluster import ApiError, Obj, Unreachable
from tests.e2e.ledger import Ledger
from tests.e2e.pods import execute, wait_ready
from tests.e2e.processes import container_id, first_process, kill, restarts
from tests.e2e.release import MANAGED_BY, UID, Release, Virtual, virt_uid
from tests.e2e.session import Session
from tests.e2e.shell import Failed
from tests.e2e.waiting import Pending, brief, is_ready, until

REPLICAS = 4
CONTAINERS = {
    "k3s": ["virtual-cluster"],
    "syncer": ["syncer"],
    "both": ["virtual-cluster", "syncer"],
}
# A container that was killed before starts again after a pause of the kubelet's: 10 s, then 20 s.
BACK = 150.0


@pytest.fixture(scope="module")
def ledger(virt: Virtual, release: Release, space: str) -> Iterator[Ledger]:
    """The record of all host pods, from before the first kill to after the last."""
    pod = release.host.api.get("Pod", release.pod, release.namespace)
    if first_process(container_id(pod, "syncer")) is None:
        pytest.skip("the host's nodes are other machines: no process of theirs can be killed here")
    virt.api.create(
        manifests.deployment("roller", space, REPLICAS),
        manifests.pod("bystander", space),
        manifests.config_map("settings", space, colour="red"),
    )
    with Ledger(release) as made:
        wait_ready(virt, space, "bystander")
        _rolled(virt, space, "")
        yield made


def test_the_record_sees_a_pod_that_is_doubled_or_lost(session: Session) -> None:
    """A record that never objects proves nothing."""
    fake = Release(session.host, "fake", session.namespace("ledger"), session.scratch)
    with Ledger(fake) as record:
        for name in ("one", "two"):
            pod = manifests.pod(name, fake.namespace, nodeSelector={"no": "such-node"})
            pod["metadata"] |= {"labels": {MANAGED_BY: "fake"}, "annotations": {UID: "same"}}
            session.host.api.create(pod)
        until("both are recorded", lambda: len(record.pods) == 2, 10)
        session.host.api.delete("Pod", "one", fake.namespace, grace=0)
        until("the deletion is recorded", lambda: record.lost([{"metadata": {"uid": "same"}}]), 10)
    assert {uid: sorted(names) for uid, names in record.doubled().items()} == {
        "same": ["one", "two"]
    }


def _generation(virt: Virtual, space: str) -> list[Obj]:
    return virt.api.all("Pod", space, "app=roller")


def _rolled(virt: Virtual, space: str, version: str) -> None:
    """Wait until all replicas are of this version, and no other pod of the Deployment is left."""

    def done() -> bool:
        pods = _generation(virt, space)
        of = [pod for pod in pods if pod["metadata"].get("annotations", {}).get("v", "") == version]
        if len(pods) != REPLICAS or len(of) != REPLICAS or not all(map(is_ready, pods)):
            raise Pending("; ".join(map(brief, pods)))
        return True

    until(f"the Deployment has rolled to {version!r}", done, BACK, despite=(Unreachable, ApiError))


def _roll(virt: Virtual, space: str, version: str) -> None:
    template = {"metadata": {"annotations": {"v": version}}}
    virt.api.patch("Deployment", "roller", space, {"spec": {"template": template}})

    def under_way() -> bool:
        versions = {
            pod["metadata"].get("annotations", {}).get("v", "") for pod in _generation(virt, space)
        }
        return version in versions

    until("the rollout is under way", under_way, 30)


def _kill(release: Release, containers: list[str]) -> dict[str, int]:
    """Kill the first process of each container; return how often each had been restarted."""
    pod = release.host.api.get("Pod", release.pod, release.namespace)
    found = {each: first_process(container_id(pod, each)) for each in containers}
    for pid in found.values():
        assert pid is not None
        kill(pid)
    return {each: restarts(pod, each) for each in containers}


def _back(release: Release, before: dict[str, int]) -> None:
    def back() -> bool:
        pod = release.host.api.get("Pod", release.pod, release.namespace)
        again = all(restarts(pod, each) > count for each, count in before.items())
        if not again or not is_ready(pod):
            raise Pending(brief(pod))
        return True

    until("the control plane is ready again", back, BACK)


@pytest.mark.slow
@pytest.mark.timeout(2 * BACK)
@pytest.mark.parametrize("what", CONTAINERS)
def test_a_kill_while_a_deployment_rolls_is_survived(
    virt: Virtual, release: Release, session: Session, space: str, ledger: Ledger, what: str
) -> None:
    bystander = virt.api.get("Pod", "bystander", space)
    _roll(virt, space, what)
    # Acknowledged a moment before: it must be there afterwards.
    acknowledged = virt.api.create(manifests.config_map(f"before-{what}", space))
    before = _kill(release, CONTAINERS[what])
    began = time.monotonic()
    _back(release, before)
    _rolled(virt, space, what)
    took = time.monotonic() - began
    session.timings.notes.append(f"kill -9 of {what}: rolled out and ready after {took:.1f} s")

    found = virt.api.get("ConfigMap", f"before-{what}", space)
    assert found["metadata"]["uid"] == acknowledged["metadata"]["uid"]
    after = virt.api.get("Pod", "bystander", space)
    assert after["metadata"]["uid"] == bystander["metadata"]["uid"]
    assert not restarts(release.host_pod(after), "main"), "nobody touched the bystander"
    _same_pods(virt, release)
    assert not ledger.doubled()
    assert not ledger.lost(virt.api.all("Pod"))


def _same_pods(virt: Virtual, release: Release) -> None:
    """Wait until each virtual pod has its host pod and the other way round."""

    def same() -> bool:
        inside = {pod["metadata"]["uid"]: brief(pod) for pod in virt.api.all("Pod")}
        outside = {virt_uid(pod): brief(pod) for pod in release.host_pods()}
        if inside.keys() != outside.keys() or len(outside) != len(release.host_pods()):
            lacking = [inside[uid] for uid in inside.keys() - outside.keys()]
            more = [outside[uid] for uid in outside.keys() - inside.keys()]
            raise Pending(f"without host pod: {lacking}; without virtual pod: {more}")
        return True

    until("both sides have the same pods", same, 60)


def test_everything_works_as_before(
    virt: Virtual, release: Release, space: str, ledger: Ledger
) -> None:
    """Streams, names, tokens and new pods, after all of the kills."""
    assert ledger.pods

    def answers() -> bool:
        return execute(virt, space, "bystander", "echo", "alive") == "alive\n"

    until("exec works", answers, 30, despite=(Failed,))
    source = {"configMapRef": {"name": "settings"}}
    virt.api.create(manifests.pod("newcomer", space, manifests.idle(envFrom=[source])))
    wait_ready(virt, space, "newcomer")
    env = execute(virt, space, "newcomer", "env").splitlines()
    assert "colour=red" in env
    name = "kubernetes.default.svc.cluster.local"
    address = virt.api.get("Service", "kubernetes", "default")["spec"]["clusterIP"]
    assert address in execute(virt, space, "newcomer", "sh", "-c", f"nslookup {name} || true")
    virt.kubectl("delete", "pod", "-n", space, "newcomer")
    _same_pods(virt, release)


def test_no_host_pod_was_doubled_or_lost(virt: Virtual, space: str, ledger: Ledger) -> None:
    """Over all of the time, by a watch on the host without gaps."""
    of_roller = [entry for entry in ledger.pods.values() if entry.name.startswith("roller-")]
    assert len(of_roller) >= REPLICAS * (1 + len(CONTAINERS)), "the record has every generation"
    assert not ledger.doubled()
    assert not ledger.lost(virt.api.all("Pod", space))
