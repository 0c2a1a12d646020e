"""The chart's NetworkPolicies on a network that enforces them: who reaches whom, packet by packet.

The network is the lab's own with kube-router's firewall, for as long as this file takes. A pod on
each node plays the clouds' metadata service, at the address where those have it. Each table is
looked at from both nodes, and with no policies first: what is closed later is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from lab.kuberouter import LABEL
from tests.e2e import extras, manifests
from tests.e2e.cluster import Obj
from tests.e2e.pods import attempt, new_namespace, wait_ready
from tests.e2e.release import CHART, Release, Side, Virtual
from tests.e2e.replicas import addresses
from tests.e2e.session import Session
from tests.e2e.waiting import Pending, is_ready, until

pytestmark = pytest.mark.timeout(600)
SPACE = "policies"
METADATA = "169.254.169.254"
PORT = 16925  # not 80, where a node may have an ingress controller
KNOWN = 60.0  # seconds until a policy is in force on every node
OPEN, CLOSED = True, False

MODES: dict[str, Obj] = {
    "none": {"networkPolicy": {"blockLinkLocal": False}},
    # Something, since Helm keeps the values of before when it is given none.
    "default": {"networkPolicy": {"enabled": False}},
    "strict": {"networkPolicy": {"enabled": True}},
}
# From a pod of the virtual cluster; by mode.
OUT = {
    "metadata": (OPEN, CLOSED, CLOSED),
    "kubelet": (OPEN, OPEN, CLOSED),
    "host API": (OPEN, OPEN, CLOSED),
    "other namespace": (OPEN, OPEN, CLOSED),
    "own Service": (OPEN, OPEN, OPEN),
    "own API": (OPEN, OPEN, OPEN),
    "own DNS": (OPEN, OPEN, OPEN),
}
# From a pod of another host namespace.
IN = {
    "workload": (OPEN, OPEN, CLOSED),
    "virtual API": (OPEN, OPEN, OPEN),
    "metrics": (OPEN, OPEN, CLOSED),
}


class Scene(NamedTuple):
    """A virtual cluster with a client on each node, and a stranger in another host namespace."""

    release: Release
    virt: Virtual
    elsewhere: str
    clients: tuple[str, ...]
    out: dict[str, str]
    into: dict[str, str]

    def reached(self) -> dict[str, bool]:
        """Try everything once; a target that two clients see differently counts as neither."""
        found: dict[str, bool] = {}
        for name, address in self.out.items():
            seen = {_connects(self.virt, SPACE, client, address) for client in self.clients}
            if len(seen) > 1:
                raise Pending(f"{name} is open on one node only")
            found[name] = seen.pop()
        for name, address in self.into.items():
            found[name] = _connects(self.release.host, self.elsewhere, "stranger", address)
        return found


def _connects(side: Side, namespace: str, pod: str, address: str) -> bool:
    return not attempt(side, namespace, pod, "/agnhost", "connect", "--timeout=10s", address).code


def _agnhost(name: str, namespace: str, **spec: object) -> Obj:
    return manifests.pod(name, namespace, manifests.web(), labels={"app": name}, **spec)


@pytest.fixture(scope="module")
def enforced(host: Side, nodes: list[str]) -> Iterator[None]:
    """Make the network enforce policies, for as long as this file takes."""
    extras.demand(host, *extras.REQUIRED[Path(__file__).name])

    def label(value: str | None) -> None:
        for node in nodes:
            host.api.patch("Node", node, "", {"metadata": {"labels": {LABEL: value}}})

    def routers() -> list[Obj]:
        return host.api.all("Pod", "kube-system", "app=kube-router")

    label("enforced")
    try:
        until(
            "kube-router is on every node",
            lambda: len([each for each in routers() if is_ready(each)]) == len(nodes),
            KNOWN,
        )
        yield
    finally:
        label(None)
        until("kube-router is gone", lambda: not routers(), KNOWN)


@pytest.fixture(scope="module")
def metadata(session: Session, nodes: list[str]) -> str:
    """Put something at the metadata service's address on every node; return the address."""
    namespace = session.namespace("metadata")
    script = (
        f"ip addr add {METADATA}/32 dev lo; trap 'kill $!' TERM; "
        f"httpd -f -p {METADATA}:{PORT} -h /tmp & wait $!; ip addr del {METADATA}/32 dev lo"
    )
    for node in nodes:
        probe = {"tcpSocket": {"host": METADATA, "port": PORT}, "periodSeconds": 1}
        privileged = {"privileged": True}
        container = manifests.shell(script, securityContext=privileged, readinessProbe=probe)
        on = {"kubernetes.io/hostname": node}
        made = manifests.pod(node, namespace, container, nodeSelector=on, hostNetwork=True)
        session.host.api.create(made)
    wait_ready(session.host, namespace, *nodes)
    return f"{METADATA}:{PORT}"


@pytest.fixture(scope="module")
def scene(session: Session, host: Side, nodes: list[str], enforced: None, metadata: str) -> Scene:
    assert enforced is None
    release = session.release("fenced", session.namespace("fenced"))
    release.install(MODES["none"])
    release.wait_coredns()
    virt = session.connect(release)
    new_namespace(virt, SPACE)
    for node in nodes:
        virt.api.create(_agnhost(node, SPACE, nodeSelector={"kubernetes.io/hostname": node}))
    virt.api.create(_agnhost("web", SPACE), manifests.service("web", SPACE))
    elsewhere = session.namespace("elsewhere")
    host.api.create(_agnhost("stranger", elsewhere))
    (web, *_) = wait_ready(virt, SPACE, "web", *nodes)
    (stranger,) = wait_ready(host, elsewhere, "stranger")
    plane = host.api.get("Pod", release.pod, release.namespace)["status"]["podIP"]
    dns = virt.api.get("Service", "kube-dns", "kube-system")["spec"]["clusterIP"]
    out = {
        "metadata": metadata,
        "kubelet": f"{addresses(host)[0]}:10250",
        "host API": f"{host.api.get('Service', 'kubernetes', 'default')['spec']['clusterIP']}:443",
        "other namespace": f"{stranger['status']['podIP']}:8080",
        "own Service": f"{virt.api.get('Service', 'web', SPACE)['spec']['clusterIP']}:80",
        "own API": "kubernetes.default.svc:443",
        "own DNS": f"{dns}:53",
    }
    into = {
        "workload": f"{web['status']['podIP']}:8080",
        "virtual API": f"{plane}:8443",
        "metrics": f"{plane}:8081",
    }
    return Scene(release, virt, elsewhere, tuple(nodes), out, into)


def _values(mode: str, host: Side) -> Obj:
    """Return a mode's values; nodes without private addresses are named as the chart says."""
    values = MODES[mode]
    if mode != "strict":
        return values
    text = (CHART / "values.yaml").read_text()
    private = yaml.safe_load(text)["networkPolicy"]["workloads"]["egressExceptCidrs"]
    own = [f"{each}/32" for each in addresses(host)]
    policy = {**values["networkPolicy"], "workloads": {"egressExceptCidrs": [*private, *own]}}
    return {"networkPolicy": policy}


@pytest.mark.parametrize("mode", MODES)
def test_who_reaches_whom(scene: Scene, host: Side, mode: str) -> None:
    assert scene.release.upgrade(_values(mode, host)).code == 0
    number = list(MODES).index(mode)
    wanted = {name: row[number] for name, row in (OUT | IN).items()}

    def as_wanted() -> bool:
        found = scene.reached()
        wrong = {name: found[name] for name in wanted if found[name] is not wanted[name]}
        if wrong:
            raise Pending(f"open, and should be the opposite: {wrong}")
        return True

    until(f"with the policies of {mode} the right ones are reached", as_wanted, KNOWN)


def test_the_virtual_cluster_works_behind_the_strict_policies(scene: Scene) -> None:
    """The last mode is still in force: a new pod comes up, resolves names and is followed."""
    scene.virt.api.create(_agnhost("late", SPACE))
    wait_ready(scene.virt, SPACE, "late")
    found = attempt(scene.virt, SPACE, "late", "/agnhost", "connect", "--timeout=5s", "web:80")
    assert found.code == 0, found.err
    assert scene.virt.kubectl("logs", "late", "-n", SPACE).out
