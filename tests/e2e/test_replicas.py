"""Three replicas on PostgreSQL or etcd, one of which leads: what happens when it goes."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.e2e import extras, manifests, replicas
from tests.e2e.gap import Gap
from tests.e2e.ledger import Ledger
from tests.e2e.pods import execute, new_namespace, wait_labelled, wait_ready
from tests.e2e.release import Release, Side, Virtual, virt_uid
from tests.e2e.replicas import wait_all, wait_led
from tests.e2e.session import Session
from tests.e2e.shell import Failed
from tests.e2e.waiting import Pending, until

COUNT = 3
SPACE = "shop"
LONGEST_GAP = 20.0
"""Seconds without an answer through the Service: a client waits 5 s for a connection to a pod that
is gone, and the host takes some to say that it is."""
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def trio(session: Session, host: Side) -> Release:
    extras.demand(host, "databases")
    release = session.release("trio", session.namespace("trio"))
    begun = time.monotonic()
    release.install(replicas.datastore(session, release.namespace, COUNT))
    release.wait_coredns()
    took = time.monotonic() - begun
    session.timings.notes.append(
        f"three replicas on {replicas.DATASTORE}: installed in {took:.1f} s"
    )
    return release


@pytest.fixture(scope="module")
def virt(session: Session, trio: Release) -> Virtual:
    """The inside, through the Service."""
    made = replicas.through_service(session, trio)
    new_namespace(made, SPACE)
    made.api.create(manifests.deployment("web", SPACE, 2), manifests.pod("bystander", SPACE))
    wait_labelled(made, SPACE, "app=web", 2)
    wait_ready(made, SPACE, "bystander")
    return made


@pytest.fixture(scope="module")
def ledger(trio: Release, virt: Virtual) -> Iterator[Ledger]:
    assert virt
    with Ledger(trio) as made:
        yield made


def _uids(virt: Virtual) -> dict[str, str]:
    return {p["metadata"]["name"]: p["metadata"]["uid"] for p in virt.api.all("Pod", SPACE)}


def _twins(release: Release) -> dict[str, str]:
    """Return the UIDs of the host pods, by those of their virtual pods."""
    return {virt_uid(pod): pod["metadata"]["uid"] for pod in release.host_pods()}


def _works(virt: Virtual, name: str) -> None:
    """Wait until a new pod runs and is reached."""
    virt.api.create(manifests.pod(name, SPACE))
    wait_ready(virt, SPACE, name)
    until(
        f"exec in {name} works",
        lambda: execute(virt, SPACE, name, "echo", "alive") == "alive\n",
        30,
        despite=(Failed,),
    )


def test_all_replicas_are_ready_and_one_leads(trio: Release, virt: Virtual) -> None:
    assert virt
    pods = wait_all(trio, COUNT)
    name, uid = wait_led(trio)
    leading = [p["metadata"]["name"] for p in pods if replicas.leads(trio, p["metadata"]["name"])]
    assert leading == [name]
    assert uid in {pod["metadata"]["uid"] for pod in pods}
    claims = trio.host.api.all("PersistentVolumeClaim", trio.namespace)
    assert not claims, "the pods keep nothing"


def test_logs_and_exec_work_through_every_replica(
    session: Session, trio: Release, virt: Virtual
) -> None:
    assert virt
    for pod in wait_all(trio, COUNT):
        here, tunnel = replicas.through_pod(session, trio, pod["metadata"]["name"])
        assert execute(here, SPACE, "bystander", "echo", "here") == "here\n"
        here.kubectl("logs", "-n", SPACE, "bystander")
        here.api.close()
        tunnel.close()


def test_api_endpoints_are_the_replicas(trio: Release, virt: Virtual) -> None:
    def same() -> bool:
        (subset,) = virt.api.get("Endpoints", "kubernetes", "default")["subsets"]
        told = {each["ip"] for each in subset["addresses"]}
        have = {pod["status"]["podIP"] for pod in wait_all(trio, COUNT)}
        if told != have:
            raise Pending(f"{told} are told, {have} are there")
        return True

    until("default/kubernetes has the addresses of all replicas", same, 30)


@pytest.mark.parametrize("how", ["asked to go", "killed"])
def test_leader_that_goes_is_followed_by_another(
    session: Session, trio: Release, virt: Virtual, ledger: Ledger, how: str
) -> None:
    wait_all(trio, COUNT)
    name, uid = wait_led(trio)
    before, twins = _uids(virt), _twins(trio)
    with Gap(virt.api.kubeconfig, fresh=True) as gap:
        begun = time.monotonic()
        trio.host.api.delete("Pod", name, trio.namespace, grace=0 if how == "killed" else None)
        wait_led(trio, instead_of=uid)
        led = time.monotonic() - begun
        wait_all(trio, COUNT)
    session.timings.notes.append(
        f"leader {how}: the API was away for {gap.seconds:.1f} s at most, of {gap.answers} answers;"
        f" another led after {led:.1f} s"
    )
    assert gap.answers
    assert gap.seconds < LONGEST_GAP
    assert _uids(virt) == before
    assert _twins(trio).items() >= twins.items()
    _works(virt, f"after-{how.replace(' ', '-')}")
    assert not ledger.doubled()
    assert not ledger.lost(virt.api.all("Pod"))
