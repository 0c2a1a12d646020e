"""Virtual nodes where the host's may be read: as the host has them, and no write at rest."""

from __future__ import annotations

from typing import Any

import pytest

from syncer.errors import Conflict, NotYet
from syncer.kube.objects import Key, Obj
from syncer.sync.nodes import Nodes
from syncer.translate.nodes import FIRST_PORT
from tests.unit.build import host_node, pod, twin
from tests.unit.fake_objects import Place
from tests.unit.sides import Endpoint, Sides, make_nodes

pytestmark = pytest.mark.timeout(10)
NODE = Key("nodes", "", "node-1")
PLACE = Place("nodes", "", "node-1")
FOO = "scheduling.k8s.io/foo"
OWN_TAINT = {"key": "tenant", "effect": "NoExecute"}


class Bench:
    def __init__(self, sides: Sides, *, only: bool = True) -> None:
        self.sides = sides
        self.endpoint = Endpoint()
        self.nodes: Nodes = make_nodes(sides, self.endpoint, real=True, only_real=only)

    async def settle(self, key: Key = NODE) -> None:
        await self.sides.settle(self.nodes.reconcile, key)

    def host(self, change: Obj, sub: str = "") -> None:
        self.sides.host_api.objects.patch(PLACE, change, sub)

    def tenant(self, change: Obj, sub: str = "") -> None:
        self.sides.virt_api.objects.patch(PLACE, change, sub)

    def virt(self) -> Obj:
        return self.sides.virt_api.objects.get(PLACE)

    def place_pod(self, node: str) -> None:
        made = twin(pod(), "pods", status={"hostIP": "192.168.0.9"})
        made["spec"] = {**made["spec"], "nodeName": node}
        self.nodes.learn(self.sides.add_host("pods", made))


@pytest.fixture
async def bench(sides: Sides) -> Bench:
    made = Bench(sides)
    sides.add_host("nodes", host_node())
    await made.settle()
    return made


async def test_node_of_the_host_appears_without_any_pod(bench: Bench) -> None:
    made, host = bench.virt(), host_node()
    assert made["metadata"]["labels"] == host["metadata"]["labels"]
    assert made["status"]["capacity"] == host["status"]["capacity"]
    assert made["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"] == FIRST_PORT
    assert bench.endpoint.ports == {FIRST_PORT: "node-1"}


@pytest.mark.parametrize("seconds", ["00:05:00", "00:10:00"])
async def test_heartbeats_of_the_host_cost_no_write(bench: Bench, seconds: str) -> None:
    conditions = [
        {**each, "lastHeartbeatTime": f"2026-01-01T{seconds}Z"}
        for each in host_node()["status"]["conditions"]
    ]
    bench.host({"status": {"conditions": conditions, "images": [{"names": ["new"]}]}}, "status")
    await bench.sides.settle(bench.nodes.reconcile, NODE, most=1)


@pytest.mark.parametrize(
    ("change", "sub"),
    [
        ({"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}, "status"),
        ({"status": {"capacity": {"cpu": "4"}, "allocatable": {"cpu": "3"}}}, "status"),
        ({"status": {"capacity": {"memory": None}, "allocatable": {"memory": None}}}, "status"),
        ({"status": {"nodeInfo": {"kubeletVersion": "v1.35.0"}}}, "status"),
        ({"metadata": {"labels": {"zone": "b"}}}, ""),
        ({"metadata": {"labels": {"zone": None}}}, ""),
        ({"spec": {"taints": [{"key": "pool", "effect": "NoSchedule"}]}}, ""),
        ({"spec": {"unschedulable": True}}, ""),
    ],
)  # fmt: skip
async def test_news_of_the_host_arrive_and_are_written_once(
    bench: Bench, change: Obj, sub: str
) -> None:
    bench.host(change, sub)
    bench.sides.sync()
    bench.sides.writes()
    await bench.nodes.reconcile(NODE)
    # The status, and what notes whose the rest is: one write each at most.
    assert 1 <= len(bench.sides.writes()) <= 2
    await bench.sides.settle(bench.nodes.reconcile, NODE, most=1)
    want = shown_part(bench.sides.host_api.objects.get(PLACE))
    assert shown_part(bench.virt()) == want


def shown_part(node: Obj) -> dict[str, Any]:
    spec, status = node["spec"], node["status"]
    return {
        "labels": node["metadata"]["labels"],
        "taints": spec.get("taints") or [],
        "cordoned": bool(spec.get("unschedulable")),
        "conditions": [(each["type"], each["status"]) for each in status["conditions"]],
        **{field: status[field] for field in ("capacity", "allocatable", "nodeInfo")},
    }


TENANTS = [
    ({"metadata": {"labels": {"zone": "mine"}}}, ""),
    ({"spec": {"unschedulable": True}}, ""),
    ({"spec": {"taints": [OWN_TAINT]}}, ""),
    ({"status": {"capacity": {FOO: "5"}}}, "status"),
    ({"status": {"addresses": []}}, "status"),
]


@pytest.mark.parametrize(("change", "sub"), TENANTS)
async def test_nothing_that_a_tenant_does_to_a_node_reaches_the_host(
    bench: Bench, change: Obj, sub: str
) -> None:
    bench.tenant(change, sub)
    bench.sides.sync()
    bench.sides.writes()
    for _ in range(3):
        await bench.nodes.reconcile(NODE)
        bench.sides.sync()
    assert not [each for each in bench.sides.writes() if each[0] == "host"]


async def test_what_a_tenant_added_stays_and_what_the_host_says_comes_back(bench: Bench) -> None:
    bench.tenant({"metadata": {"labels": {"zone": "mine", "tenant": "x"}}})
    bench.tenant({"spec": {"taints": [OWN_TAINT], "unschedulable": True}})
    bench.tenant({"status": {"capacity": {FOO: "5", "cpu": "64"}, "conditions": None}}, "status")
    await bench.settle()
    made = bench.virt()
    assert made["metadata"]["labels"] == {**host_node()["metadata"]["labels"], "tenant": "x"}
    assert made["spec"] == {"taints": [OWN_TAINT], "unschedulable": True}
    assert made["status"]["capacity"] == {**host_node()["status"]["capacity"], FOO: "5"}
    assert made["status"]["allocatable"][FOO] == "5"
    assert made["status"]["conditions"] == host_node()["status"]["conditions"]


async def test_resource_that_the_host_takes_away_does_not_become_the_tenants(bench: Bench) -> None:
    gpu = "example.com/gpu"
    bench.host({"status": {"capacity": {gpu: "1"}, "allocatable": {gpu: "1"}}}, "status")
    await bench.settle()
    assert bench.virt()["status"]["allocatable"][gpu] == "1"
    bench.host({"status": {"capacity": {gpu: None}, "allocatable": {gpu: None}}}, "status")
    await bench.settle()
    assert gpu not in bench.virt()["status"]["capacity"]


async def test_taint_of_the_tenants_that_came_meanwhile_is_not_lost(bench: Bench) -> None:
    bench.host({"spec": {"taints": [{"key": "pool", "effect": "NoSchedule"}]}})
    bench.sides.sync()
    bench.tenant({"spec": {"taints": [OWN_TAINT]}})  # the watch has not shown it yet
    with pytest.raises(Conflict):
        await bench.nodes.reconcile(NODE)
    await bench.settle()
    assert OWN_TAINT in bench.virt()["spec"]["taints"]


async def test_node_that_the_host_lost_goes_whatever_runs_there(bench: Bench) -> None:
    """Its pods end with it, as garbage collection has it on any cluster."""
    bench.place_pod("node-1")
    bench.sides.host_api.objects.remove(PLACE)
    await bench.settle()
    assert bench.sides.virt_obj("nodes", "node-1", "") is None
    assert bench.endpoint.ports == {}


async def test_own_node_is_no_exception(bench: Bench) -> None:
    await bench.settle(Key("nodes", "", "own-node"))
    assert bench.sides.virt_obj("nodes", "own-node", "") is None


async def test_pod_on_a_node_that_is_not_known_yet_waits_for_it(bench: Bench) -> None:
    bench.place_pod("node-2")
    with pytest.raises(NotYet, match="node-2"):
        await bench.nodes.ensure("node-2")
    bench.sides.add_host("nodes", host_node("node-2"))
    await bench.nodes.ensure("node-2")
    assert bench.sides.virt_obj("nodes", "node-2", "") is not None


async def test_node_outside_of_a_selection_is_shown_while_the_host_uses_it(sides: Sides) -> None:
    bench = Bench(sides, only=False)
    bench.place_pod("node-2")
    await bench.nodes.ensure("node-2")
    assert bench.sides.virt_obj("nodes", "node-2", "") is not None
    sides.host_api.objects.remove(sides.host_place("pods", "web"))
    await bench.settle(Key("nodes", "", "node-2"))
    assert bench.sides.virt_obj("nodes", "node-2", "") is None
