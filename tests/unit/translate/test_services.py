"""Services and hand-made endpoints on their way to the host."""

import copy
from typing import Any

import pytest

from syncer.errors import Refused
from syncer.identity import MANAGED_BY, NAMESPACE, tenant_key
from syncer.kube.objects import Key, Obj
from syncer.translate.services import endpoints_to_host, slice_to_host, stays_virtual, to_host
from tests.unit.build import IDENT, SCOPE, host_name, meta, service

IP, OTHER_IP = "10.96.0.50", "10.96.0.77"
PORT = {"port": 80, "protocol": "TCP", "targetPort": 80}


def _spec(host: Obj | None = None, **spec: Any) -> Obj:
    made: Obj = to_host(service(**spec), SCOPE, host)["spec"]
    return made


def _host(**spec: Any) -> Obj:
    return {"spec": {"clusterIP": IP, **spec}}


def test_service_asks_for_its_own_address_and_selects_own_pods() -> None:
    made = to_host(service(), SCOPE, None)
    assert made == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": IDENT.metadata(Key("services", "default", "web"), service()),
        "spec": {
            "type": "ClusterIP",
            "clusterIP": IP,
            "ports": [PORT],
            "selector": {tenant_key("app"): "web", MANAGED_BY: "vc", NAMESPACE: "default"},
        },
    }


@pytest.mark.parametrize(
    ("offered", "wanted", "passes"),
    [
        ((), "LoadBalancer", True),
        (("ClusterIP",), None, True),  # what a Service without a type is
        (("ClusterIP",), "ClusterIP", True),
        (("ClusterIP",), "NodePort", False),
        (("ClusterIP", "NodePort"), "NodePort", True),
        (("ClusterIP", "NodePort"), "LoadBalancer", False),
    ],
)
def test_only_offered_types_pass(
    offered: tuple[str, ...], wanted: str | None, *, passes: bool
) -> None:
    """Threats E1."""
    virt = service() if wanted is None else service(type=wanted)
    scope = SCOPE._replace(service_types=offered)
    if passes:
        assert to_host(virt, scope, None)["spec"].get("type") == virt["spec"].get("type")
        return
    with pytest.raises(Refused, match=", ".join(offered)) as caught:
        to_host(virt, scope, None)
    assert caught.value.reason == "ServiceTypeRefused"


@pytest.mark.parametrize(
    ("virt_ip", "host_ip", "expected"),
    [
        (IP, None, IP),
        (IP, IP, IP),
        (IP, OTHER_IP, OTHER_IP),  # immutable: the virtual side follows
        ("None", None, "None"),
        ("None", "None", "None"),
        (IP, "None", IP),
        (None, OTHER_IP, OTHER_IP),
    ],
)
def test_address(virt_ip: str | None, host_ip: str | None, expected: str) -> None:
    host = None if host_ip is None else _host(clusterIP=host_ip)
    assert _spec(host, clusterIP=virt_ip).get("clusterIP") == expected


@pytest.mark.parametrize("host_port", [None, {"nodePort": 30009}, {"port": 81}, {}])
@pytest.mark.parametrize("virt_port", [{"nodePort": 30001}, {}])
def test_ports_are_asked_for_as_the_virtual_api_gave_them(
    virt_port: Obj, host_port: Obj | None
) -> None:
    host = None if host_port is None else _host(ports=[{**PORT, **host_port}])
    ports = [{**PORT, **virt_port}, {**PORT, "protocol": "UDP", "name": "udp"}]
    assert _spec(host, type="NodePort", ports=ports)["ports"] == ports


@pytest.mark.parametrize(
    "spec",
    [
        {"externalIPs": ["1.2.3.4"]},  # E1
        {"loadBalancerIP": "1.2.3.4"},
        {"loadBalancerClass": "internal"},
        {"healthCheckNodePort": 31000},
        {"clusterIPs": [IP, "fd00::1"]},
        {"ipFamilies": ["IPv6"]},
        {"ipFamilyPolicy": "RequireDualStack"},
        {"externalName": "host.example"},
    ],
)
def test_field_that_is_the_hosts_to_decide_stays_behind(spec: Obj) -> None:
    assert _spec(**spec) == _spec()


@pytest.mark.parametrize(
    "spec",
    [
        {"sessionAffinity": "ClientIP"},
        {"sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 5}}},
        {"type": "NodePort", "externalTrafficPolicy": "Local"},
        {"internalTrafficPolicy": "Local"},
        {"publishNotReadyAddresses": True},
        {"trafficDistribution": "PreferClose"},
        {"loadBalancerSourceRanges": ["10.0.0.0/8"]},
        {"allocateLoadBalancerNodePorts": False},
        {"type": "LoadBalancer"},
    ],
)
def test_field_is_copied(spec: Obj) -> None:
    assert _spec(**spec).items() >= spec.items()


def test_field_of_the_future_is_refused() -> None:
    with pytest.raises(Refused, match="fieldOfTheFuture"):
        _spec(fieldOfTheFuture=1)


@pytest.mark.parametrize("selector", [None, {}])
def test_service_without_selector_selects_nothing_on_the_host_either(selector: Obj | None) -> None:
    assert "selector" not in _spec(selector=selector)


def test_tenants_selector_cannot_reach_other_pods() -> None:
    """Threats C5: our own labels are added last."""
    made = _spec(selector={"app": "x", MANAGED_BY: "other", NAMESPACE: "other"})["selector"]
    assert made[MANAGED_BY] == "vc"
    assert made[NAMESPACE] == "default"


@pytest.mark.parametrize(
    ("spec", "stays"),
    [
        (service("web"), False),
        (service("web", type="ExternalName", externalName="x.example"), True),  # E2
        (service("kubernetes", "default"), True),
        (service("kubernetes", "other"), False),
        (service("web", clusterIP="None"), False),
    ],
)
def test_service_without_a_twin(spec: Obj, stays: bool) -> None:  # noqa: FBT001
    assert stays_virtual(spec) is stays


def test_source_stays_as_it_was() -> None:
    virt = service(type="NodePort", ports=[{**PORT, "nodePort": 30001}])
    before = copy.deepcopy(virt)
    to_host(virt, SCOPE, _host(ports=[{**PORT, "nodePort": 30009}]))
    assert virt == before


# --- endpoints

OWN = {"10.42.0.5", "10.42.0.6", "fd00::5"}


def _endpoints(*subsets: Obj) -> Obj:
    return {"kind": "Endpoints", "metadata": meta("web"), "subsets": list(subsets)}


def test_endpoints_belong_to_the_service_of_their_name() -> None:
    target = {"kind": "Pod", "name": "web-0"}
    made = endpoints_to_host(
        _endpoints(
            {
                "addresses": [{"ip": "10.42.0.5", "nodeName": "n", "targetRef": target}],
                "notReadyAddresses": [{"ip": "10.42.0.6", "hostname": "h"}],
                "ports": [{"port": 80}],
            },
            {"ports": [{"port": 81}]},
        ),
        SCOPE,
        OWN,
    )
    assert made["metadata"]["name"] == host_name("services", "web")
    assert made["subsets"] == [
        {
            "addresses": [{"ip": "10.42.0.5"}],
            "notReadyAddresses": [{"ip": "10.42.0.6"}],
            "ports": [{"port": 80}],
        },
        {"ports": [{"port": 81}]},
    ]


STRANGERS = ["10.42.0.7", "127.0.0.1", "169.254.169.254", "10.96.0.1", "192.168.0.1", "fd00::6"]


@pytest.mark.parametrize("ip", STRANGERS)
@pytest.mark.parametrize("field", ["addresses", "notReadyAddresses"])
def test_endpoints_may_hold_addresses_of_own_pods_only(ip: str, field: str) -> None:
    """Threats E3."""
    with pytest.raises(Refused, match=ip):
        endpoints_to_host(_endpoints({field: [{"ip": "10.42.0.5"}, {"ip": ip}]}), SCOPE, OWN)


def _slice(*addresses: str, labels: Obj | None = None, **more: Any) -> Obj:
    return {
        "kind": "EndpointSlice",
        "metadata": meta("web-abc", labels={"kubernetes.io/service-name": "web", **(labels or {})}),
        "addressType": "IPv4",
        "endpoints": [{"addresses": [ip], **more} for ip in addresses],
        "ports": [{"port": 80}],
    }


def test_slice_belongs_to_the_twin_of_its_service() -> None:
    conditions = {"ready": True}
    virt = _slice(
        "10.42.0.5", conditions=conditions, nodeName="n", zone="z", targetRef={"kind": "Pod"}
    )
    made = slice_to_host(virt, SCOPE, OWN)
    assert made["metadata"]["labels"] == {
        tenant_key("kubernetes.io/service-name"): "web",
        "kubernetes.io/service-name": host_name("services", "web"),
        "endpointslice.kubernetes.io/managed-by": "virtualcluster-syncer",
        MANAGED_BY: "vc",
        NAMESPACE: "default",
    }
    assert made["endpoints"] == [{"addresses": ["10.42.0.5"], "conditions": conditions}]
    assert (made["addressType"], made["ports"]) == ("IPv4", [{"port": 80}])


@pytest.mark.parametrize("ip", [*STRANGERS, "host.example"])
def test_slice_may_hold_addresses_of_own_pods_only(ip: str) -> None:
    """Threats E3."""
    with pytest.raises(Refused, match=ip):
        slice_to_host(_slice("10.42.0.5", ip), SCOPE, OWN)


def test_slice_without_endpoints_or_ports_is_whole() -> None:
    virt = {**_slice(), "endpoints": None, "ports": None}
    made = slice_to_host(virt, SCOPE, OWN)
    assert (made["endpoints"], made["ports"]) == ([], [])


@pytest.mark.parametrize(
    ("kind", "passes"), [("ClusterIP", False), ("NodePort", True), ("LoadBalancer", True)]
)
def test_traffic_policy_passes_only_where_the_host_allows_one(kind: str, *, passes: bool) -> None:
    """A ClusterIP has one for its externalIPs, which do not pass: the host would refuse it."""
    virt = service(type=kind, externalIPs=["203.0.113.1"], externalTrafficPolicy="Local")
    made = to_host(virt, SCOPE, None)["spec"]
    assert ("externalTrafficPolicy" in made) is passes
