"""The host's real nodes inside, and k3s' own scheduler that chooses among them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e import extras, manifests
from tests.e2e.cluster import ApiError, Obj
from tests.e2e.pods import wait_gone, wait_labelled, wait_ready
from tests.e2e.release import Release, Side, Virtual
from tests.e2e.rest import metrics, wait_calm, writes
from tests.e2e.session import BASELINE, Session
from tests.e2e.waiting import Pending, until

SPACE = "default"
TENANT, FOO = "tenant.example/pool", "tenant.example/foo"
HOST_KEY = "e2e.virtualcluster.dev/nodes"
VALUES: Obj = {
    "sync": {"nodes": {"enabled": True}},
    "virtualCluster": {"scheduler": {"enabled": True}},
}
ROLES = ("ClusterRole", "ClusterRoleBinding")


class Wide:
    """An installation with a ClusterRole, by somebody who may make one."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.release: Release = session.release("virtualcluster", session.namespace("n", BASELINE))
        self.release.install(VALUES)
        self.release.wait_coredns()
        self.virt: Virtual = session.connect(self.release)
        self.host = session.host

    def role(self) -> str:
        return f"virtualcluster:{self.release.namespace}:{self.release.name}"

    def wait_node(self, name: str, what: str, probe: Any) -> None:
        def there() -> bool:
            node = self.virt.api.get("Node", name)
            if not probe(node):
                raise Pending(str({**node, "status": {}}))
            return True

        until(f"virtual node {name} {what}", there, 20)


@pytest.fixture(scope="module")
def wide(session: Session) -> Wide:
    return Wide(session)


@pytest.fixture(scope="module")
def node(wide: Wide) -> str:
    """Return a node on which the tests try things, and which no other one needs."""
    names: set[str] = {each["metadata"]["name"] for each in wide.host.api.all("Node")}
    used = {pod["spec"].get("nodeName") for pod in wide.virt.api.all("Pod")}
    return min(names - used or names)


def test_user_without_the_right_is_told_so_and_nothing_is_made(session: Session) -> None:
    namespace = session.namespace("narrow", BASELINE)
    installer = session.user(session.namespace("narrow-users"), "installer", "admin", namespace)
    release = session.release("virtualcluster", namespace)
    done = release.install(VALUES, kubeconfig=installer.kubeconfig, check=False)
    session.releases.remove(release)
    assert done.code != 0
    assert "clusterroles" in done.err
    assert "forbidden" in done.err
    assert session.host.api.find("StatefulSet", "virtualcluster", namespace) is None
    assert session.host.api.all("Pod", namespace) == []


def test_nodes_are_those_of_the_host(wide: Wide) -> None:
    hosts = {each["metadata"]["name"]: each for each in wide.host.api.all("Node")}
    inside = {each["metadata"]["name"]: each for each in wide.virt.api.all("Node")}
    assert inside.keys() == hosts.keys()
    for name, found in inside.items():
        assert hosts[name]["metadata"]["labels"].items() <= found["metadata"]["labels"].items()
        for field in ("capacity", "allocatable", "nodeInfo"):
            assert hosts[name]["status"][field] == found["status"][field]
        ready = {each["type"]: each["status"] for each in found["status"]["conditions"]}
        assert ready["Ready"] == "True"


def test_what_they_use_is_what_the_host_measured(wide: Wide) -> None:
    extras.demand(wide.host, "metrics-server")

    def figures(side: Side) -> dict[str, Obj]:
        items = side.api.json("GET", "/apis/metrics.k8s.io/v1beta1/nodes")["items"]
        return {x["metadata"]["name"]: {k: x[k] for k in ("timestamp", "usage")} for x in items}

    def same() -> dict[str, Obj]:
        inside, outside = figures(wide.virt), figures(wide.host)
        if inside != outside:
            raise Pending(f"inside {inside}, outside {outside}")
        return inside

    found = until("both sides tell of the same measurement", same, 60, despite=(ApiError,))
    assert found.keys() == {each["metadata"]["name"] for each in wide.host.api.all("Node")}


@pytest.fixture
def labelled(wide: Wide, node: str) -> Iterator[None]:
    api = wide.host.api
    mark = {"metadata": {"labels": {HOST_KEY: "x"}, "annotations": {HOST_KEY: "x"}}}
    api.patch("Node", node, "", mark)
    yield
    none = {"metadata": {"labels": {HOST_KEY: None}, "annotations": {HOST_KEY: None}}}
    api.patch("Node", node, "", none)


@pytest.mark.usefixtures("labelled")
def test_what_changes_on_the_host_is_written_once_and_what_is_not_shown_never(
    wide: Wide, node: str
) -> None:
    api = wide.host.api
    wide.wait_node(node, "has the host's new label", lambda n: HOST_KEY in n["metadata"]["labels"])
    before = metrics(wide.release)
    # A heartbeat is such a change too, but nobody can wait for one here.
    api.patch("Node", node, "", {"metadata": {"annotations": {HOST_KEY: "y"}}})
    api.patch("Node", node, "", {"metadata": {"labels": {HOST_KEY: None}}})
    wide.wait_node(node, "has lost it", lambda n: HOST_KEY not in n["metadata"]["labels"])
    made = writes(before, metrics(wide.release))
    assert sum(n for key, n in made.items() if key[2].startswith("nodes")) == 1, made
    assert not [key for key in made if key[0] == "host"]


@pytest.fixture
def ghost(wide: Wide) -> Iterator[str]:
    """Make a node of the host that is nothing but its object."""
    if wide.session.audit is None:
        pytest.skip("only on a lab: somebody's own cluster gets no nodes of ours")
    api, name = wide.host.api, f"{wide.session.prefix}-ghost"
    meta = {"name": name, "labels": {"kubernetes.io/hostname": name}}
    spec = {"unschedulable": True}  # nobody else's pods shall come
    api.create({"apiVersion": "v1", "kind": "Node", "metadata": meta, "spec": spec})
    yield name
    api.delete("Node", name)


def test_node_that_joins_fails_and_leaves_does_the_same_inside(wide: Wide, ghost: str) -> None:
    until("the new node is there", lambda: wide.virt.api.find("Node", ghost), 20)
    for status in ("True", "False", "Unknown"):
        ready = {"type": "Ready", "status": status, "reason": "Test"}
        change = {"status": {"conditions": [ready]}}
        wide.host.api.patch("Node", ghost, "", change, sub="status")
        wide.wait_node(ghost, f"is {status}", lambda n, s=status: _ready(n) == s)
    wide.host.api.delete("Node", ghost)
    until("the node is gone", lambda: wide.virt.api.find("Node", ghost) is None, 20)


def test_node_of_the_tenants_own_stays_unless_it_can_be_dialed(wide: Wide) -> None:
    """Threats H1, H6: with an address it would make the API server dial it."""
    api = wide.virt.api
    dialed = {"addresses": [{"type": "InternalIP", "address": "169.254.169.254"}]}
    for name, status in (("own", {}), ("dialed", dialed)):
        api.create(
            {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": status}
        )

    def gone() -> bool:
        if api.find("Node", "dialed"):
            raise Pending("still there")
        return True

    until("the one with an address is gone", gone)
    # Made first, so it has been looked at before the one that is gone by now.
    assert not api.get("Node", "own")["metadata"].get("deletionTimestamp")
    api.delete("Node", "own")


def _ready(node: Obj) -> str:
    conditions = node["status"].get("conditions") or ()
    return next((each["status"] for each in conditions if each["type"] == "Ready"), "")


def test_daemon_set_runs_on_every_node(wide: Wide) -> None:
    daemons = manifests.deployment("agent", SPACE, 1)
    daemons["kind"] = "DaemonSet"
    del daemons["spec"]["replicas"]
    wide.virt.api.create(daemons)
    names = {each["metadata"]["name"] for each in wide.host.api.all("Node")}
    pods = wait_labelled(wide.virt, SPACE, "app=agent", len(names))
    assert {each["spec"]["nodeName"] for each in pods} == names
    for each in pods:
        assert wide.release.host_pod(each)["spec"]["nodeName"] == each["spec"]["nodeName"]


def test_label_of_the_tenants_decides_where_a_pod_runs(wide: Wide, node: str) -> None:
    api = wide.virt.api
    api.create(manifests.pod("chosen", SPACE, nodeSelector={TENANT: "x"}))

    def refused() -> bool:
        conditions = api.get("Pod", "chosen", SPACE)["status"].get("conditions") or ()
        return any(each.get("reason") == "Unschedulable" for each in conditions)

    until("the virtual scheduler finds no node", refused, 20)
    assert not [p for p in wide.release.host_pods() if "chosen" in p["metadata"]["name"]]
    api.patch("Node", node, "", {"metadata": {"labels": {TENANT: "x"}}})
    (pod,) = wait_ready(wide.virt, SPACE, "chosen")
    assert pod["spec"]["nodeName"] == node
    assert wide.release.host_pod(pod)["spec"]["nodeName"] == node
    assert TENANT not in wide.host.api.get("Node", node)["metadata"]["labels"]


def test_pod_of_higher_priority_takes_the_place_of_a_lower_one(wide: Wide, node: str) -> None:
    api = wide.virt.api
    api.patch("Node", node, "", {"status": {"capacity": {FOO: "5"}}}, sub="status")
    wide.wait_node(node, "offers it", lambda n: n["status"]["allocatable"].get(FOO) == "5")
    assert FOO not in wide.host.api.get("Node", node)["status"]["capacity"]
    need = manifests.idle(resources={"limits": {FOO: "3"}})
    low = manifests.pod("low", SPACE, need)
    low["metadata"]["finalizers"] = ["example.com/look"]
    api.create(low)
    wait_ready(wide.virt, SPACE, "low")
    urgent: Obj = {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": "urgent"},
        "value": 1000,
    }
    api.create(urgent, manifests.pod("high", SPACE, need, priorityClassName="urgent"))
    (high,) = wait_ready(wide.virt, SPACE, "high")
    assert high["spec"]["nodeName"] == node
    ended = api.get("Pod", "low", SPACE)
    reasons = {each["type"]: each.get("reason") for each in ended["status"]["conditions"]}
    assert reasons["DisruptionTarget"] == "PreemptionByScheduler"
    api.patch("Pod", "low", SPACE, {"metadata": {"finalizers": None}})
    wait_gone(wide.virt, "Pod", SPACE, "low", ended["metadata"]["uid"])


def test_taint_of_the_tenants_evicts_and_leaves_the_host_alone(wide: Wide, node: str) -> None:
    api = wide.virt.api
    victim = api.get("Pod", "chosen", SPACE)
    api.patch("Node", node, "", {"spec": {"taints": [{"key": TENANT, "effect": "NoExecute"}]}})
    wait_gone(wide.virt, "Pod", SPACE, "chosen", victim["metadata"]["uid"])
    assert not wide.host.api.get("Node", node)["spec"].get("taints")
    api.patch("Node", node, "", {"spec": {"taints": None}})


def test_at_rest_nothing_is_written(wide: Wide) -> None:
    for kind, name in (("DaemonSet", "agent"), ("Pod", "high")):
        wide.virt.api.delete(kind, name, SPACE)
    wait_calm(wide.release, 8, 40)


def test_helm_delete_leaves_no_cluster_role(wide: Wide) -> None:
    api, role = wide.host.api, wide.role()
    assert all(api.find(kind, role) is not None for kind in ROLES)
    wide.session.uninstall(wide.release)
    assert not [kind for kind in ROLES if api.find(kind, role) is not None]
