"""What is known of all pods together, however they came and went."""

from __future__ import annotations

import pytest

from syncer.kube.objects import Obj
from syncer.kube.store import Store
from syncer.state.pod_index import PodIndex, pod_ips
from tests.unit.build import pod, twin

IPS = {"podIP": "10.42.0.5", "podIPs": [{"ip": "10.42.0.5"}, {"ip": "fd00::5"}]}
FOREIGN = {"podIPs": [{"ip": "169.254.169.254"}]}


class Both:
    """The pods of both sides, and the index over them."""

    def __init__(self) -> None:
        self.virt, self.host = Store(), Store()
        self.index = PodIndex(self.virt, self.host)
        self._version = 0

    def virtual(self, obj: Obj) -> Obj:
        return self._put(self.virt, obj)

    def hosts(self, obj: Obj) -> Obj:
        return self._put(self.host, twin(obj, "pods", spec=obj["spec"], status=obj.get("status")))

    def _put(self, store: Store, obj: Obj) -> Obj:
        self._version += 1
        obj["metadata"]["resourceVersion"] = str(self._version)
        store.put(obj)
        return obj


def test_a_node_has_pods_as_long_as_one_of_either_side_is_on_it() -> None:
    both = Both()
    nodes = ("n1", "n2")

    def has() -> list[bool]:
        return [both.index.has_pods(each) for each in nodes]

    both.virtual(pod("waits"))
    assert has() == [False, False]
    virt = both.virtual(pod("a", nodeName="n1"))
    host = both.hosts(pod("a", nodeName="n1"))
    both.virtual(pod("b", nodeName="n2"))
    assert has() == [True, True]
    both.virt.drop(virt)
    assert has() == [True, True]
    both.host.drop(host)
    assert has() == [False, True]
    both.virt.replace([])
    assert has() == [False, False]


def test_own_addresses_are_those_that_the_host_reports() -> None:
    """Threats E3: not those that the virtual status claims."""
    both = Both()
    seen = both.index.ips()
    both.virtual(pod("a", status=FOREIGN))
    both.hosts(pod("waits"))
    assert set(seen) == set()
    host = both.hosts(pod("a", status=IPS))
    assert set(seen) == {"10.42.0.5", "fd00::5"}
    moved = both.hosts(pod("a", status={"podIPs": [{"ip": "10.42.0.9"}]}))
    assert moved["metadata"]["name"] == host["metadata"]["name"]
    assert set(seen) == {"10.42.0.9"}
    both.host.drop(moved)
    assert set(seen) == set()


@pytest.mark.parametrize(
    ("host_pod", "ips"),
    [
        (None, set()),
        ({}, set()),
        ({"status": None}, set()),
        ({"status": {"podIP": "10.42.0.5"}}, set()),
        ({"status": IPS}, {"10.42.0.5", "fd00::5"}),
    ],
)
def test_addresses_of_a_pod(host_pod: Obj | None, ips: set[str]) -> None:
    assert pod_ips(host_pod) == ips
