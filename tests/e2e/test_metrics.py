"""`kubectl top` and autoscalers inside, from the host's metrics API."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.e2e import extras, manifests
from tests.e2e.cluster import ApiError, Obj
from tests.e2e.pods import wait_gone, wait_labelled
from tests.e2e.release import Release, Side, Virtual
from tests.e2e.shell import Failed
from tests.e2e.waiting import Pending, until

ROOT = "/apis/metrics.k8s.io/v1beta1"
API = "v1beta1.metrics.k8s.io"
MEASURED = 60.0  # seconds until a new pod has figures; metrics-server of the lab measures each 10 s
SCALED = 120.0  # and until an autoscaler, which looks each 15 s, has made up its mind
BURN = manifests.shell(
    "while :; do :; done",
    resources={"requests": {"cpu": "20m", "memory": "16Mi"}, "limits": {"cpu": "100m"}},
)


@pytest.fixture(scope="module", autouse=True)
def _metrics(host: Side) -> None:
    extras.demand(host, "metrics-server")


@pytest.fixture(scope="module")
def burner(virt: Virtual, space: str) -> Obj:
    """A pod that burns five times what it requests, of a Deployment that is to be scaled by it."""
    resource = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}
    autoscaler: Obj = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": manifests.meta("burner", space),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "burner"},
            "minReplicas": 1,
            "maxReplicas": 2,
            "metrics": [{"type": "Resource", "resource": resource}],
        },
    }
    virt.api.create(manifests.deployment("burner", space, 1, BURN))
    (pod,) = wait_labelled(virt, space, "app=burner", 1)
    virt.api.create(autoscaler)
    return pod


def test_a_pods_figures_are_the_hosts(
    virt: Virtual, release: Release, space: str, burner: Obj
) -> None:
    name = burner["metadata"]["name"]
    twin = release.host_pod(burner)["metadata"]["name"]

    def same() -> tuple[Obj, Obj]:
        outside = release.host.api.json("GET", f"{ROOT}/namespaces/{release.namespace}/pods/{twin}")
        inside = virt.api.json("GET", f"{ROOT}/namespaces/{space}/pods/{name}")
        if inside["timestamp"] != outside["timestamp"]:
            raise Pending(f"measured at {inside['timestamp']}, the host's {outside['timestamp']}")
        return inside, outside

    what = "both sides tell of the same measurement"
    inside, outside = until(what, same, MEASURED, despite=(ApiError,))
    assert inside["containers"] == outside["containers"]
    assert [each["name"] for each in inside["containers"]] == ["main"]
    assert inside["window"] == outside["window"]
    assert inside["metadata"]["labels"]["app"] == "burner"
    assert release.namespace not in json.dumps(inside)


def test_kubectl_top_tells_pods_and_nodes(virt: Virtual, space: str, burner: Obj) -> None:
    name = burner["metadata"]["name"]

    def row() -> list[str]:
        # The autoscaler may have made a second one by now.
        out = virt.kubectl("top", "pods", "-n", space, "-l", "app=burner", "--no-headers").out
        return next(line.split() for line in out.splitlines() if line.startswith(name))

    shown = until("the pod has figures", row, MEASURED, despite=(Failed, StopIteration))
    assert int(shown[1].removesuffix("m")) > 10, shown
    containers = virt.kubectl("top", "pod", name, "-n", space, "--containers").out
    assert "main" in containers
    everywhere = virt.kubectl("top", "pods", "-A", "--no-headers").out
    assert {"kube-system", space} <= {line.split()[0] for line in everywhere.splitlines()}
    assert not virt.kubectl("top", "pods", "-n", space, "-l", "app=none", "--no-headers").out
    nodes = virt.kubectl("top", "nodes", "--no-headers").out
    named = {node["metadata"]["name"] for node in virt.api.all("Node")}
    assert {line.split()[0] for line in nodes.splitlines()} == named
    table = virt.kubectl("get", "podmetrics", name, "-n", space).out
    assert table.split()[:4] == ["NAME", "CPU", "MEMORY", "WINDOW"]


def test_who_may_see_pods_may_see_their_figures(virt: Virtual, space: str, burner: Obj) -> None:
    assert burner
    for name in ("viewer", "stranger"):
        account = {"apiVersion": "v1", "kind": "ServiceAccount"}
        virt.api.create({**account, "metadata": manifests.meta(name, space)})
    virt.api.create(manifests.binding("viewer", space, "view", (space, "viewer")))

    def ask(name: str) -> int:
        user = f"--as=system:serviceaccount:{space}:{name}"
        return virt.kubectl("get", "podmetrics", "-n", space, user, check=False).code

    until("the viewer may", lambda: ask("viewer") == 0, 30)
    assert ask("stranger") != 0


def test_an_autoscaler_scales_by_the_figures(virt: Virtual, space: str, burner: Obj) -> None:
    assert burner

    def scaled() -> Obj:
        found: Obj = virt.api.get("HorizontalPodAutoscaler", "burner", space)["status"]
        if found.get("desiredReplicas") != 2 or not found.get("currentMetrics"):
            raise Pending(json.dumps(found))
        return found

    status = until("the autoscaler wants two", scaled, SCALED)
    current = status["currentMetrics"][0]["resource"]["current"]
    assert current["averageUtilization"] > 50
    until(
        "the Deployment has two",
        lambda: virt.api.get("Deployment", "burner", space)["spec"]["replicas"] == 2,
        30,
    )


@pytest.fixture
def host_down(host: Side) -> Iterator[None]:
    """Nobody answers for the host's metrics API."""

    def available(wanted: str) -> bool:
        conditions = host.api.get("APIService", API)["status"]["conditions"]
        return any(x["type"] == "Available" and x["status"] == wanted for x in conditions)

    def scale(replicas: int) -> None:
        host.api.patch(
            "Deployment", "metrics-server", "kube-system", {"spec": {"replicas": replicas}}
        )

    scale(0)
    until("the host's metrics API is down", lambda: available("False"), 30)
    yield
    scale(1)
    until("the host's metrics API is back", lambda: available("True"), 60)


@pytest.mark.usefixtures("host_down")
def test_a_host_without_figures_hinders_nothing_else(virt: Virtual, space: str) -> None:
    def refused() -> str:
        done = virt.kubectl("top", "pods", "-n", space, check=False)
        return done.err if done.code else ""

    said = until("kubectl top says so", refused, 15)
    assert "the metrics API of the host does not answer" in said
    discovered = virt.kubectl("api-resources", "--api-group=metrics.k8s.io", "--cached=false")
    assert "PodMetrics" in discovered.out
    assert not discovered.err, "a group that fails would be named here"
    name = f"{space}-short"
    made = virt.api.create(manifests.namespace(name))
    virt.api.create(manifests.config_map("in-it", name, a="b"))
    virt.api.delete("Namespace", name)
    wait_gone(virt, "Namespace", "", name, made["metadata"]["uid"], 60)
