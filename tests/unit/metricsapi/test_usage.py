"""The host's figures become the virtual cluster's, and nobody else's are among them."""

from decimal import Decimal

import pytest

from syncer.kube.objects import Obj
from syncer.metricsapi.usage import of_nodes, of_pods, quantity, sums_by_node
from syncer.state.cluster import World
from tests.unit.build import container, host_name, marked_as, pod, twin, unmarked, world
from tests.unit.fake_metrics import STAMP, WINDOW, figures, node_figures

NOW = "2026-01-01T00:00:30Z"


def _with(*pods: Obj) -> World:
    """A world in which each of these virtual pods has its twin."""
    made = world()
    for each in pods:
        made.virt["pods"].put(each)
        made.host["pods"].put(twin(each, "pods"))
    return made


def _node(name: str) -> Obj:
    meta = {"name": name, "resourceVersion": "1", "labels": {"kubernetes.io/hostname": name}}
    return {"apiVersion": "v1", "kind": "Node", "metadata": meta}


def test_pod_has_its_virtual_name_and_labels_and_the_hosts_figures() -> None:
    made = _with(pod("web", "shop", metadata={"labels": {"app": "web"}}))
    (usage,) = of_pods(made, [figures(host_name("pods", "web", "shop"), main=("5m", "8Mi"))])
    assert usage.metrics == {
        "metadata": {
            "name": "web",
            "namespace": "shop",
            "creationTimestamp": STAMP,
            "labels": {"app": "web"},
        },
        "timestamp": STAMP,
        "window": WINDOW,
        "containers": [{"name": "main", "usage": {"cpu": "5m", "memory": "8Mi"}}],
    }


def test_only_containers_of_the_virtual_pod_are_shown() -> None:
    """Whatever the host's admission put in stays the host's."""
    virt = pod(
        containers=[container(name="a"), container(name="b")],
        initContainers=[container(name="side", restartPolicy="Always")],
        ephemeralContainers=[container(name="debug")],
    )
    host = figures(host_name("pods", "web"))
    host["containers"] = [
        {"name": name, "usage": {"cpu": "1m", "memory": "1Mi"}}
        for name in ("a", "istio-proxy", "b", "side", "debug", "hosts-init")
    ]
    (usage,) = of_pods(_with(virt), [host])
    shown = [each["name"] for each in usage.metrics["containers"]]
    assert shown == ["a", "b", "side", "debug"]


def _foreign(made: World) -> Obj:
    made.host["pods"].put(unmarked(pod("web"), "pods"))
    return figures(host_name("pods", "web"), main=("1m", "1Mi"))


def _earlier(made: World) -> Obj:
    made.virt["pods"].put(pod("web"))
    made.host["pods"].put(marked_as(twin(pod("web"), "pods"), "of-an-earlier-pod"))
    return figures(host_name("pods", "web"), main=("1m", "1Mi"))


def _orphan(made: World) -> Obj:
    made.host["pods"].put(twin(pod("web"), "pods"))
    return figures(host_name("pods", "web"), main=("1m", "1Mi"))


def _elsewhere(made: World) -> Obj:
    made.virt["pods"].put(pod("web"))
    made.host["pods"].put(twin(pod("web"), "pods"))
    return figures(host_name("pods", "web"), "team-y", main=("1m", "1Mi"))


@pytest.mark.parametrize("case", [_foreign, _earlier, _orphan, _elsewhere])
def test_pods_that_are_not_ours_now_are_left_out(case: object) -> None:
    made = world()
    assert callable(case)
    assert of_pods(made, [case(made), figures("vc-0", syncer=("9m", "9Mi"))]) == []


def test_pods_come_by_namespace_and_name() -> None:
    pods = [pod("b", "z"), pod("a", "z"), pod("c", "a")]
    host = [
        figures(
            host_name("pods", x["metadata"]["name"], x["metadata"]["namespace"]), main=("1", "1")
        )
        for x in pods
    ]
    found = [each.metrics["metadata"]["name"] for each in of_pods(_with(*pods), host)]
    assert found == ["c", "a", "b"]


def test_node_without_the_right_is_the_sum_of_our_own_pods() -> None:
    two = [container(name="x"), container(name="y")]
    here, there = pod("a", nodeName="n1", containers=two), pod("b", nodeName="n1")
    made = _with(here, there, pod("pending"))
    for name in ("n1", "n2"):
        made.virt["nodes"].put(_node(name))
    host = [
        figures(host_name("pods", "a"), x=("250m", "1Mi"), y=("1500000n", "512Ki")),
        figures(host_name("pods", "b"), main=("1", "1048576")),
    ]
    first, second = sums_by_node(made, of_pods(made, host), NOW)
    assert first.metrics["usage"] == {"cpu": "1251500000n", "memory": "2560Ki"}
    assert (first.metrics["timestamp"], first.metrics["window"]) == (STAMP, WINDOW)
    assert first.metrics["metadata"]["labels"] == {"kubernetes.io/hostname": "n1"}
    assert second.metrics["usage"] == {"cpu": "0n", "memory": "0Ki"}
    assert second.metrics["timestamp"] == NOW


def test_node_with_the_right_is_the_hosts_own_figure_if_the_node_is_shown() -> None:
    made = world()
    made.virt["nodes"].put(_node("n1"))
    host = [node_figures("n1", "2", "3Gi"), node_figures("hidden", "2", "3Gi")]
    (usage,) = of_nodes(made, host)
    assert usage.metrics["metadata"]["name"] == "n1"
    assert usage.metrics["usage"] == {"cpu": "2", "memory": "3Gi"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", "0"),
        ("12345678n", "0.012345678"),
        ("7u", "0.000007"),
        ("250m", "0.25"),
        ("1.5", "1.5"),
        ("2k", "2000"),
        ("3Ki", "3072"),
        ("4Mi", "4194304"),
        ("1G", "1000000000"),
        ("1e3", "1000"),
        ("", "0"),
        ("x", "0"),
        ("1X", "0"),
    ],
)
def test_quantities(text: str, value: str) -> None:
    assert quantity(text) == Decimal(value)
