"""Pods that would leave the namespace are refused and told why; their harmless twins run."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from tests.e2e import manifests
from tests.e2e.cluster import Obj
from tests.e2e.pods import wait_ready
from tests.e2e.release import Release, Virtual, virt_uid
from tests.e2e.waiting import Pending, until


class Pair(NamedTuple):
    """The same pod with and without what is refused; `says` must stand in the Warning."""

    says: str
    refused: Obj
    allowed: Obj


def _container(**more: object) -> Obj:
    return {"containers": [manifests.idle(**more)]}


def _probe(**more: object) -> Obj:
    web = manifests.web()
    web["readinessProbe"]["httpGet"].update(more)
    return {"containers": [web]}


PAIRS = {
    "hostpath": Pair(
        "hostPath",
        {"volumes": [{"name": "disk", "hostPath": {"path": "/"}}]},
        {"volumes": [{"name": "disk", "emptyDir": {}}]},
    ),
    "privileged": Pair(
        "privileged",
        _container(securityContext={"privileged": True}),
        _container(securityContext={"privileged": False}),
    ),
    "hostnetwork": Pair("hostNetwork", {"hostNetwork": True}, {"hostNetwork": False}),
    "hostpid": Pair("hostPID", {"hostPID": True}, {"hostPID": False}),
    "hostipc": Pair("hostIPC", {"hostIPC": True}, {"hostIPC": False}),
    "hostport": Pair(
        "hostPort",
        _container(ports=[{"containerPort": 80, "hostPort": 31999}]),
        _container(ports=[{"containerPort": 80}]),
    ),
    "capability": Pair(
        "SYS_ADMIN",
        _container(securityContext={"capabilities": {"add": ["SYS_ADMIN"]}}),
        _container(securityContext={"capabilities": {"add": ["NET_BIND_SERVICE"]}}),
    ),
    "init": Pair(
        "privileged",
        {
            "initContainers": [
                manifests.shell("true", name="init", securityContext={"privileged": True})
            ]
        },
        {"initContainers": [manifests.shell("true", name="init")]},
    ),
    "probehost": Pair("host", _probe(host="127.0.0.1"), _probe()),
}


@pytest.fixture(scope="module")
def tried(virt: Virtual, space: str) -> str:
    """All of the pods at once; returns their namespace."""
    for name, pair in PAIRS.items():
        for kind, spec in (("bad", pair.refused), ("good", pair.allowed)):
            pod = manifests.pod(f"{kind}-{name}", space)
            pod["spec"].update(spec)
            virt.api.create(pod)
    return space


@pytest.mark.parametrize("name", PAIRS)
def test_refused_with_a_reason_and_no_trace_on_the_host(
    virt: Virtual, release: Release, tried: str, name: str
) -> None:
    refused = virt.api.get("Pod", f"bad-{name}", tried)
    uid = refused["metadata"]["uid"]

    def told() -> list[str]:
        events = [e for e in virt.api.all("Event", tried) if e["involvedObject"].get("uid") == uid]
        warnings = [each["message"] for each in events if each["type"] == "Warning"]
        # The host's own admission stands behind ours, and must not be what holds.
        assert not [each for each in events if each["reason"].startswith("Host")], warnings
        if not any(PAIRS[name].says in message for message in warnings):
            raise Pending(f"{warnings}")
        return warnings

    warnings = until("a Warning says why", told, 30)
    assert not [each for each in warnings if release.namespace in each]
    wait_ready(virt, tried, f"good-{name}")
    assert uid not in [virt_uid(pod) for pod in release.host_pods()]
    every = {pod["metadata"]["name"] for pod in release.host.api.all("Pod", release.namespace)}
    assert not [each for each in every if each.startswith(f"bad-{name}")]
    assert refused["status"]["phase"] == "Pending"


def test_a_deployment_of_refused_pods_holds_up_nobody_else(
    virt: Virtual, release: Release, tried: str
) -> None:
    bad = manifests.deployment("crowd", tried, 5, hostPID=True)
    virt.api.create(bad, manifests.pod("bystander", tried))
    wait_ready(virt, tried, "bystander")
    names = [pod["metadata"]["name"] for pod in release.host_pods()]
    assert not [each for each in names if each.startswith("crowd-")]
