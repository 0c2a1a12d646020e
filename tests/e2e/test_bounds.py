"""What an operator bounds without any right beyond the namespace: how much, and which Services."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from tests.e2e import manifests
from tests.e2e.cluster import Obj
from tests.e2e.pods import new_namespace, wait_ready
from tests.e2e.release import Release, Virtual
from tests.e2e.session import Session
from tests.e2e.waiting import Pending, until

SPACE = "bounds"
MOST = 3  # pods, of which CoreDNS is one
VALUES: Obj = {
    "isolation": {"maxObjects": MOST, "serviceTypes": ["ClusterIP"]},
    "storage": {"persistence": False},
}


class Bounded(NamedTuple):
    """An installation with little room."""

    release: Release
    virt: Virtual


@pytest.fixture(scope="module")
def bounded(session: Session) -> Bounded:
    release = session.release("bounded", session.namespace("bounded"))
    release.install(VALUES)
    release.wait_coredns()
    virt = session.connect(release)
    new_namespace(virt, SPACE)
    return Bounded(release, virt)


def _told(virt: Virtual, kind: str, name: str, reason: str) -> str:
    """Return what the tenant reads."""

    def warned() -> str:
        found = {
            each["reason"]: each["message"]
            for each in virt.api.all("Event", SPACE)
            if (each["involvedObject"]["kind"], each["involvedObject"]["name"]) == (kind, name)
        }
        if reason not in found:
            raise Pending(str(found))
        return str(found[reason])

    return until(f"{kind} {name} has the event {reason}", warned)


def test_what_is_too_much_waits_until_there_is_room(bounded: Bounded) -> None:
    virt = bounded.virt
    virt.api.create(manifests.pod("first", SPACE), manifests.pod("second", SPACE))
    wait_ready(virt, SPACE, "first", "second")
    virt.api.create(manifests.pod("third", SPACE))
    assert f"at most {MOST} Pod" in _told(virt, "Pod", "third", "LimitReached")
    assert len(bounded.release.host_pods()) == MOST
    virt.api.delete("Pod", "first", SPACE)
    wait_ready(virt, SPACE, "second", "third")
    assert len(bounded.release.host_pods()) == MOST


@pytest.mark.parametrize("kind", ["NodePort", "LoadBalancer"])
def test_a_type_that_is_not_offered_never_reaches_the_host(bounded: Bounded, kind: str) -> None:
    made = manifests.service(kind.lower(), SPACE)
    made["spec"]["type"] = kind
    bounded.virt.api.create(made)
    assert "use ClusterIP" in _told(bounded.virt, "Service", kind.lower(), "ServiceTypeRefused")
    types = {
        each["spec"].get("type")
        for each in bounded.release.host.api.all("Service", bounded.release.namespace)
    }
    assert types == {"ClusterIP"}
