"""Services in full: types and their changes, ports, affinity, policies, load balancers."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from tests.e2e import manifests
from tests.e2e.cluster import ApiError, Obj
from tests.e2e.pods import execute, wait_ready
from tests.e2e.release import Release, Side, Virtual
from tests.e2e.waiting import Pending, until

TYPES = ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName")
EXTERNAL = {"ExternalName": "example.org"}
DIALS = 8
"""Requests that tell one backend from two: the chance to be wrong is 1 in 128."""


class Shop:
    """Two backends on different nodes if there are, a client on the node of the first."""

    def __init__(self, virt: Virtual, release: Release, space: str) -> None:
        self.virt, self.release, self.space = virt, release, space

    def build(self, nodes: list[str]) -> None:
        for number in range(2):
            on = {"kubernetes.io/hostname": nodes[number % len(nodes)]}
            labels = {"app": "shop", "shop": str(number)}
            made = manifests.pod(
                f"shop-{number}", self.space, manifests.web(), labels=labels, nodeSelector=on
            )
            self.virt.api.create(made)
        wait_ready(self.virt, self.space, "shop-0", "shop-1")

    def serve(self, name: str, **spec: Any) -> Obj:
        """Create a Service in front of the backends; return it once both sides agree."""
        made = manifests.service(name, self.space, **{"selector": {"app": "shop"}, **spec})
        self.virt.api.create(made)
        return self.agreed(name)

    def change(self, name: str, **spec: Any) -> None:
        self.virt.api.patch("Service", name, self.space, {"spec": spec})

    def retype(self, name: str, kind: str) -> None:
        """Change the type; an API that wants the other fields to fit (before 1.20) gets them so."""
        change = {"type": kind, "externalName": EXTERNAL.get(kind)}
        try:
            self.change(name, **change)
        except ApiError as error:
            if error.status != 422:
                raise
            ports = self.virt_service(name)["spec"]["ports"]
            bare = [{k: v for k, v in port.items() if k != "nodePort"} for port in ports]
            address = {"clusterIP": None} if kind in EXTERNAL else {}
            self.change(name, **change, **address, ports=bare)

    def virt_service(self, name: str) -> Obj:
        return self.virt.api.get("Service", name, self.space)

    def twin_name(self, name: str) -> str:
        return f"{name}-x-{self.space}-x-{self.release.name}"

    def host_service(self, name: str) -> Obj | None:
        return self.release.host.api.find("Service", self.twin_name(name), self.release.namespace)

    def agreed(self, name: str) -> Obj:
        """Return the virtual Service once its twin has its type, address and node ports."""

        def same() -> Obj:
            virt, host = self.virt_service(name), self.host_service(name)
            if virt["spec"]["type"] == "ExternalName":
                if host is not None:
                    raise Pending("there is a twin")
                return virt
            if host is None:
                raise Pending("no twin")
            said = [
                (
                    each["spec"]["type"],
                    each["spec"].get("clusterIP"),
                    [port.get("nodePort") for port in each["spec"].get("ports") or ()],
                )
                for each in (virt, host)
            ]
            if said[0] != said[1]:
                raise Pending(f"virtual and host say {said}")
            return virt

        return until(f"both sides agree on service {name}", same, 45)

    def dial(
        self, host: str, port: int, *, protocol: str = "http", client: int = 0, tries: int = DIALS
    ) -> set[str]:
        """Return which backends answer requests from one of the pods."""
        query = f"request=hostname&protocol={protocol}&host={host}&port={port}&tries={tries}"
        url = f"http://localhost:8080/dial?{query}"
        pod = f"shop-{client}"
        said = execute(self.virt, self.space, pod, "wget", "-qO-", url)
        return set(json.loads(said).get("responses") or ())

    def answered(self, wanted: set[str], host: str, port: int, **how: Any) -> None:
        """Wait until exactly these backends answer: the host's proxies follow a moment later."""

        def answers() -> bool:
            # A silent address costs seconds.
            seen = self.dial(host, port, tries=DIALS if wanted else 1, **how)
            if seen != wanted:
                raise Pending(f"{sorted(seen)}")
            return True

        until(f"{sorted(wanted)} answer at {host}:{port}", answers, 30)


BOTH = {"shop-0", "shop-1"}


@pytest.fixture(scope="module")
def shop(virt: Virtual, release: Release, space: str, nodes: list[str]) -> Shop:
    made = Shop(virt, release, space)
    made.build(nodes)
    return made


def _changes() -> list[str]:
    """Return a way through the types on which each is followed by each other one."""
    left = set(itertools.permutations(TYPES, 2))
    way = [TYPES[0]]

    def walk() -> bool:
        if not left:
            return True
        for change in sorted(left):
            if change[0] == way[-1]:
                left.remove(change)
                way.append(change[1])
                if walk():
                    return True
                way.pop()
                left.add(change)
        return False

    assert walk()
    return way


def test_a_service_stays_itself_through_every_change_of_type(shop: Shop) -> None:
    uid = shop.serve("shifty")["metadata"]["uid"]
    way = _changes()
    assert len(way) == len(TYPES) * (len(TYPES) - 1) + 1
    for kind in way[1:]:
        shop.retype("shifty", kind)
        now = shop.agreed("shifty")
        assert now["metadata"]["uid"] == uid
        assert now["spec"]["type"] == kind
        assert now["spec"]["selector"] == {"app": "shop"}
    assert way[-1] == "ClusterIP"
    shop.answered(BOTH, shop.virt_service("shifty")["spec"]["clusterIP"], 80)


def test_a_node_port_that_the_host_has_given_away_becomes_another_on_both_sides(
    shop: Shop, host: Side, release: Release
) -> None:
    rival = manifests.service("rival", release.namespace, type="NodePort")
    taken = host.api.create(rival)["spec"]["ports"][0]["nodePort"]
    port = {"name": "http", "port": 80, "targetPort": "http"}
    try:
        created = shop.serve("born", type="NodePort", ports=[{**port, "nodePort": taken}])
        shop.serve("grown")
        shop.change("grown", type="NodePort", ports=[{**port, "nodePort": taken}])
        grown = shop.agreed("grown")
        for each in (created, grown):
            assert each["spec"]["ports"][0]["nodePort"] not in (None, taken)
    finally:
        host.api.delete("Service", "rival", release.namespace)
    # A number that is free is the tenant's to choose, also later.
    shop.change("grown", ports=[{**port, "nodePort": taken}])

    def chosen() -> bool:
        return bool(shop.agreed("grown")["spec"]["ports"][0]["nodePort"] == taken)

    until("the number is the chosen one", chosen, 30)


def test_the_status_of_a_load_balancer_comes_up_and_goes(shop: Shop, release: Release) -> None:
    shop.serve("balanced", type="LoadBalancer", loadBalancerSourceRanges=["10.0.0.0/8"])
    api, twin = release.host.api, shop.twin_name("balanced")
    assert api.get("Service", twin, release.namespace)["spec"]["loadBalancerSourceRanges"]
    for ingress in ([{"ip": "192.0.2.7"}], [{"hostname": "lb.example"}], None):
        # What a load balancer's controller writes.
        status = {"status": {"loadBalancer": {"ingress": ingress}}}
        api.patch("Service", twin, release.namespace, status, sub="status")

        def told(wanted: Any = ingress) -> bool:
            now = shop.virt_service("balanced")["status"]["loadBalancer"].get("ingress")
            said = [{k: v for k, v in each.items() if k != "ipMode"} for each in now or ()]
            return said == (wanted or [])

        until(f"the address is {ingress}", told, 30)


def test_session_affinity_sticks(shop: Shop) -> None:
    affinity = {"clientIP": {"timeoutSeconds": 60}}
    made = shop.serve("sticky", sessionAffinity="ClientIP", sessionAffinityConfig=affinity)
    address = made["spec"]["clusterIP"]
    until("it answers", lambda: shop.dial(address, 80), 30)
    first = shop.dial(address, 80)
    assert len(first) == 1
    assert shop.dial(address, 80) == first
    shop.change("sticky", sessionAffinity="None", sessionAffinityConfig=None)
    shop.answered(BOTH, address, 80)


def test_one_port_is_used_for_tcp_and_udp(shop: Shop) -> None:
    ports = [
        {"name": "tcp", "port": 53, "targetPort": 8080, "protocol": "TCP"},
        {"name": "udp", "port": 53, "targetPort": 8081, "protocol": "UDP"},
    ]
    made = shop.serve("dual", type="NodePort", ports=ports)
    address = made["spec"]["clusterIP"]
    shop.answered(BOTH, address, 53)
    shop.answered(BOTH, address, 53, protocol="udp")


def test_internal_traffic_stays_on_its_node_and_ready_is_as_the_tenant_says(
    shop: Shop, nodes: list[str]
) -> None:
    near = {"selector": {"app": "shop", "shop": "0"}, "internalTrafficPolicy": "Local"}
    made, twin = shop.serve("near", **near), shop.host_service("near")
    for side, service in (("virtual API", made), ("host", twin)):
        if "internalTrafficPolicy" not in (service or {})["spec"]:
            pytest.skip(f"the {side} knows no internalTrafficPolicy")
    address = made["spec"]["clusterIP"]
    shop.answered({"shop-0"}, address, 80)
    if len(nodes) > 1:
        shop.answered(set(), address, 80, client=1)
    shop.change("near", internalTrafficPolicy="Cluster")
    shop.answered({"shop-0"}, address, 80, client=1)


def test_pods_that_are_not_ready_are_reached_where_that_is_asked_for(
    shop: Shop, virt: Virtual, space: str
) -> None:
    never = manifests.web()
    never["readinessProbe"] = {"exec": {"command": ["false"]}, "periodSeconds": 1}
    virt.api.create(manifests.pod("shy", space, never, labels={"app": "shy"}))
    made = shop.serve("shy", selector={"app": "shy"}, publishNotReadyAddresses=True)
    shop.answered({"shy"}, made["spec"]["clusterIP"], 80)
    shop.change("shy", publishNotReadyAddresses=False)
    shop.answered(set(), made["spec"]["clusterIP"], 80)


def test_external_traffic_policy_is_the_hosts_to_follow(shop: Shop, nodes: list[str]) -> None:
    made = shop.serve("outer", type="NodePort", externalTrafficPolicy="Local")
    host = shop.host_service("outer")
    assert host is not None
    assert host["spec"]["externalTrafficPolicy"] == "Local"
    address = shop.virt.api.get("Pod", "shop-0", shop.space)["status"]["hostIP"]
    port = made["spec"]["ports"][0]["nodePort"]
    until("it answers", lambda: shop.dial(address, port), 30)
    shop.change("outer", externalTrafficPolicy="Cluster")

    def followed() -> bool:
        now = shop.host_service("outer")
        return now is not None and now["spec"]["externalTrafficPolicy"] == "Cluster"

    until("the host follows", followed, 30)
    shop.answered(BOTH, address, port, client=len(nodes) - 1 and 1)
