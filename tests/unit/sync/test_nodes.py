"""Virtual nodes: one for each host node with a pod of ours, and nothing that a tenant did to it."""

from __future__ import annotations

import asyncio

import pytest

from syncer.kube.objects import Key, Obj
from syncer.sync.nodes import Nodes
from syncer.translate.nodes import FIRST_PORT
from tests.unit.build import pod, twin
from tests.unit.fake_objects import Place
from tests.unit.sides import Endpoint, Sides, make_nodes

pytestmark = pytest.mark.timeout(10)
NODE = Key("nodes", "", "node-1")
PLACE = Place("nodes", "", "node-1")
OWN = Key("nodes", "", "own-node")


class Bench:
    def __init__(self, sides: Sides) -> None:
        self.sides = sides
        self.endpoint = Endpoint()
        self.nodes: Nodes = make_nodes(sides, self.endpoint)

    def host_pod(self, name: str = "web", node: str = "node-1", ip: str = "192.168.0.7") -> Obj:
        made = twin(pod(name), "pods", status={"hostIP": ip})
        made["spec"] = {**made["spec"], "nodeName": node}
        return self.sides.add_host("pods", made)

    def status(self) -> Obj:
        """Return the node's status without the times of its conditions."""
        status: Obj = self.node()["status"]
        times = ("lastTransitionTime", "lastHeartbeatTime")
        conditions = [
            {k: v for k, v in each.items() if k not in times} for each in status["conditions"]
        ]
        return {**status, "conditions": conditions}

    def node(self) -> Obj:
        return self.sides.virt_api.objects.get(PLACE)

    async def settle(self, key: Key = NODE) -> None:
        await self.sides.settle(self.nodes.reconcile, key)


@pytest.fixture
def bench(sides: Sides) -> Bench:
    return Bench(sides)


async def _with_node(bench: Bench) -> Obj:
    bench.nodes.learn(bench.host_pod())
    await bench.settle()
    return bench.node()


async def test_node_of_a_pod_of_ours_appears_ready_and_leads_to_our_endpoint(bench: Bench) -> None:
    node = await _with_node(bench)
    status = node["status"]
    assert status["addresses"] == [
        {"type": "InternalIP", "address": "192.168.0.7"},
        {"type": "Hostname", "address": "kubelet.internal"},
    ]
    port = status["daemonEndpoints"]["kubeletEndpoint"]["Port"]
    assert bench.endpoint.ports == {port: "node-1"}
    assert status["nodeInfo"]["kubeletVersion"] == "v1.34.4"
    assert {each["type"]: each["status"] for each in status["conditions"]} == {
        "Ready": "True",
        "MemoryPressure": "False",
        "DiskPressure": "False",
        "PIDPressure": "False",
    }
    assert node["metadata"]["labels"]["kubernetes.io/hostname"] == "node-1"


async def test_own_node_is_always_there(bench: Bench) -> None:
    await bench.settle(OWN)
    found = bench.sides.virt_obj("nodes", "own-node", "")
    assert found is not None
    assert found["status"]["addresses"][0]["address"] == "192.168.0.1"


async def test_node_at_rest_is_not_written(bench: Bench) -> None:
    await _with_node(bench)
    await bench.sides.settle(bench.nodes.reconcile, NODE, most=1)


async def test_each_node_has_a_port_of_its_own(bench: Bench) -> None:
    keys = []
    for number in range(5):
        key = Key("nodes", "", f"node-{number}")
        bench.nodes.learn(bench.host_pod(f"web-{number}", key.name))
        keys.append(key)
    await asyncio.gather(*(bench.nodes.reconcile(key) for key in keys))
    assert sorted(bench.endpoint.ports) == list(range(FIRST_PORT, FIRST_PORT + 5))
    assert sorted(bench.endpoint.ports.values()) == [key.name for key in keys]


async def test_node_keeps_its_port_over_a_restart(bench: Bench) -> None:
    """The API server may hold it cached."""
    bench.nodes.learn(bench.host_pod("other", "node-0"))
    await bench.settle(Key("nodes", "", "node-0"))
    before = await _with_node(bench)
    again = Bench(bench.sides)
    bench.sides.sync()
    for pod_ in bench.sides.world.host["pods"]:
        again.nodes.learn(pod_)
    await again.settle()
    assert again.node()["status"]["daemonEndpoints"] == before["status"]["daemonEndpoints"]
    assert list(again.endpoint.ports.values()) == ["node-1"]


async def test_port_that_could_not_be_opened_is_tried_again(bench: Bench) -> None:
    bench.nodes.learn(bench.host_pod())
    bench.endpoint.broken = True
    with pytest.raises(OSError, match="in use"):
        await bench.nodes.reconcile(NODE)
    assert bench.sides.virt_obj("nodes", "node-1", "") is None
    bench.endpoint.broken = False
    await bench.settle()
    assert list(bench.endpoint.ports.values()) == ["node-1"]


@pytest.mark.parametrize(
    "change",
    [
        {"addresses": [{"type": "InternalIP", "address": "169.254.169.254"}]},
        {"addresses": [{"type": "Hostname", "address": "evil.example"}]},
        {"addresses": None},
        {"daemonEndpoints": {"kubeletEndpoint": {"Port": 22}}},
        {"daemonEndpoints": None},
        {"conditions": [{"type": "Ready", "status": "False"}]},
        {"conditions": None},
        {"nodeInfo": {"kubeletVersion": "v0", "machineID": "x"}},
    ],
)
async def test_status_that_a_tenant_changed_is_put_right(bench: Bench, change: Obj) -> None:
    """Threats H1: it says where the API server dials."""
    await _with_node(bench)
    before = bench.status()
    bench.sides.virt_api.objects.patch(PLACE, {"status": change}, "status")
    await bench.settle()
    assert bench.status() == before


async def test_address_that_a_tenant_added_is_taken_off(bench: Bench) -> None:
    await _with_node(bench)
    before = bench.status()
    more = [*before["addresses"], {"type": "ExternalIP", "address": "1.2.3.4"}]
    bench.sides.virt_api.objects.patch(PLACE, {"status": {"addresses": more}}, "status")
    await bench.settle()
    assert bench.status() == before


async def test_condition_says_since_when(bench: Bench) -> None:
    node = await _with_node(bench)
    assert all(each["lastTransitionTime"] for each in node["status"]["conditions"])


async def test_time_of_a_condition_stays_while_the_condition_does(bench: Bench) -> None:
    await _with_node(bench)
    conditions = [
        {**each, "lastTransitionTime": "2026-01-01T00:00:00Z"}
        for each in bench.node()["status"]["conditions"]
    ]
    bench.sides.virt_api.objects.patch(PLACE, {"status": {"conditions": conditions}}, "status")
    bench.sides.virt_api.objects.patch(PLACE, {"status": {"addresses": []}}, "status")
    await bench.settle()
    assert bench.node()["status"]["conditions"] == conditions


async def test_labels_that_say_what_the_node_is_are_put_right_and_the_tenants_own_stay(
    bench: Bench,
) -> None:
    await _with_node(bench)
    labels = {"kubernetes.io/hostname": "other", "tenant": "x"}
    bench.sides.virt_api.objects.patch(PLACE, {"metadata": {"labels": labels}})
    await bench.settle()
    found = bench.node()["metadata"]["labels"]
    assert (found["kubernetes.io/hostname"], found["tenant"]) == ("node-1", "x")


async def test_taint_of_a_new_node_is_taken_off_and_the_tenants_own_stay(bench: Bench) -> None:
    own = {"key": "tenant", "effect": "NoSchedule"}

    def admit(plural: str, obj: Obj) -> None:
        if plural == "nodes":
            obj["spec"]["taints"] = [{"key": "node.kubernetes.io/not-ready"}, own]

    bench.sides.virt_api.objects.admission.append(admit)
    node = await _with_node(bench)
    assert node["spec"]["taints"] == [own]


async def test_node_that_a_tenant_deleted_comes_again(bench: Bench) -> None:
    await _with_node(bench)
    bench.sides.virt_api.objects.remove(PLACE)
    await bench.settle()
    assert bench.node()["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"] == FIRST_PORT


async def test_node_that_waits_for_a_finalizer_is_not_touched(bench: Bench) -> None:
    """k3s puts one on every node."""
    await _with_node(bench)
    objects = bench.sides.virt_api.objects
    objects.patch(PLACE, {"metadata": {"finalizers": ["wrangler.cattle.io/node"]}})
    objects.delete(PLACE)
    bench.sides.sync()
    bench.sides.writes()
    await bench.nodes.reconcile(NODE)
    assert bench.sides.writes() == []


async def test_node_without_pods_goes_and_its_endpoint_with_it(bench: Bench) -> None:
    await _with_node(bench)
    bench.sides.host_api.objects.remove(bench.sides.host_place("pods", "web"))
    await bench.settle()
    assert bench.sides.virt_obj("nodes", "node-1", "") is None
    assert bench.endpoint.ports == {}


async def test_node_stays_while_a_virtual_pod_is_on_it(bench: Bench) -> None:
    """The virtual cluster's garbage collector ends the pods of missing nodes."""
    await _with_node(bench)
    bench.sides.host_api.objects.remove(bench.sides.host_place("pods", "web"))
    bench.sides.add_virt("pods", pod(nodeName="node-1"))
    await bench.settle()
    assert bench.sides.virt_obj("nodes", "node-1", "") is not None


@pytest.mark.parametrize(
    ("status", "stays"),
    [
        ({}, True),
        ({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}, True),
        ({"addresses": [{"type": "InternalIP", "address": "169.254.169.254"}]}, False),
        ({"addresses": [{"type": "Hostname", "address": "joined"}]}, False),
    ],
)
async def test_node_that_is_none_of_ours_goes_if_it_can_be_dialed(
    bench: Bench,
    status: Obj,
    stays: bool,  # noqa: FBT001
) -> None:
    """Threats H1, H6; one without an address is the tenant's own (conformance: Node Lifecycle)."""
    made = {"metadata": {"name": "node-1", "labels": {}}, "spec": {}, "status": status}
    bench.sides.virt_api.objects.create("nodes", "", made)
    await bench.settle()
    assert (bench.sides.virt_obj("nodes", "node-1", "") is not None) is stays


async def test_node_that_stands_already_is_taken_over(bench: Bench) -> None:
    joined = {"metadata": {"name": "node-1", "labels": {}}, "spec": {}, "status": {}}
    bench.nodes.learn(bench.host_pod())
    bench.sides.virt_api.objects.create("nodes", "", joined)  # not shown by the watch yet
    await bench.nodes.reconcile(NODE)
    assert bench.node()["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"] == FIRST_PORT


async def test_many_who_need_a_node_at_once_make_one(bench: Bench) -> None:
    bench.nodes.learn(bench.host_pod())
    await asyncio.gather(*(bench.nodes.ensure("node-1") for _ in range(5)))
    assert len(bench.sides.asked("virt", "POST", "nodes")) == 1


def test_address_is_news_when_it_is_new(bench: Bench) -> None:
    host_pod = bench.host_pod()
    assert bench.nodes.learn(host_pod) == NODE
    assert bench.nodes.learn(host_pod) is None
    assert bench.nodes.learn({**host_pod, "status": {"hostIP": "192.168.0.8"}}) == NODE
    assert bench.nodes.learn({**host_pod, "status": {}}) is None
    assert bench.nodes.learn({**host_pod, "spec": {}}) is None
