"""Rows E1 to E3: Services, and what stands behind them."""

from __future__ import annotations

from typing import Any

from tests.e2e.cluster import Obj
from tests.escapes.build import endpoint_slice, endpoints, meta, pod, service
from tests.escapes.case import Case, Step, inside, refused, stripped

BALANCER: Obj = {"type": "LoadBalancer"}


def _lacks(*fields: str) -> Any:
    return lambda seen: not [field for field in fields if seen.spec.get(field)]


SERVICES: dict[str, tuple[Obj, Any]] = {
    "E1-externalips": ({"externalIPs": ["203.0.113.1", "@nodeip"]}, _lacks("externalIPs")),
    "E1-externalips-api": ({"externalIPs": ["10.96.0.1"]}, _lacks("externalIPs")),
    "E1-loadbalancerip": (
        {**BALANCER, "loadBalancerIP": "203.0.113.1"},
        _lacks("loadBalancerIP"),
    ),
    "E1-loadbalancerclass": (
        {**BALANCER, "loadBalancerClass": "example.com/platform"},
        _lacks("loadBalancerClass"),
    ),
    "E1-healthchecknodeport": (
        {**BALANCER, "externalTrafficPolicy": "Local", "healthCheckNodePort": 31990},
        lambda seen: seen.spec.get("healthCheckNodePort") != 31990,
    ),
}

ADDRESSES: dict[str, tuple[str, str]] = {
    "node": ("@nodeip", "a node"),
    "control-plane": ("@planeip", "the control plane's pod"),
    "internet": ("203.0.113.9", "anybody"),
    "host-api": ("10.96.0.1", "the host's API"),
    "mixed": ("@ownip,203.0.113.9", "one of ours and one of others"),
}

NO_SELECTOR = service(selector=None)


CASES: list[Case] = [
    *(
        stripped(
            name,
            "such a Service",
            service(**spec),
            holds,
            allowed=service(),
            told="externalips" in name,
        )
        for name, (spec, holds) in SERVICES.items()
    ),
    stripped(
        "E1-externalips-later",
        "added to a Service that is there",
        service(),
        _lacks("externalIPs"),
        then=(Step({"spec": {"externalIPs": ["203.0.113.1"]}}),),
        allowed=service(),
    ),
    stripped(
        "E1-status",
        "says itself which address a load balancer gave it",
        service(**BALANCER),
        lambda seen: not (seen.host.get("status") or {}).get("loadBalancer"),
        then=(Step({"status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}}}, "status"),),
        allowed=service(),
    ),
    inside(
        "E2-externalname",
        "a Service that is a name elsewhere",
        service(type="ExternalName", externalName="metadata.google.internal", selector=None),
        lambda seen: "ExternalName" not in {each["spec"]["type"] for each in seen.every["Service"]},
        allowed=service(),
    ),
    stripped(
        "E2-externalname-later",
        "a Service that becomes a name elsewhere",
        service(),
        lambda seen: "ExternalName" not in {each["spec"]["type"] for each in seen.every["Service"]},
        then=(
            Step(
                {
                    "spec": {
                        "type": "ExternalName",
                        "externalName": "metadata.google.internal",
                        "clusterIP": None,
                        "clusterIPs": None,
                    }
                }
            ),
        ),
        allowed=service(),
    ),
    *(
        refused(
            f"E3-endpoints-{name}",
            f"a Service in front of {whom}",
            (NO_SELECTOR, endpoints(*ips.split(","))),
            (NO_SELECTOR, endpoints("@ownip")),
        )
        for name, (ips, whom) in ADDRESSES.items()
    ),
    *(
        refused(
            f"E3-slice-{name}",
            f"a slice in front of {whom}",
            (NO_SELECTOR, endpoint_slice(*ips.split(","))),
            (NO_SELECTOR, endpoint_slice("@ownip")),
        )
        for name, (ips, whom) in ADDRESSES.items()
    ),
    refused(
        "E3-forged-status",
        "an address that it wrote into the status of a pod which has no twin",
        (NO_SELECTOR, pod({"hostPID": True}), endpoints("203.0.113.77")),
        (NO_SELECTOR, endpoints("@ownip")),
        early=(
            Step(
                {
                    "status": {
                        "phase": "Running",
                        "podIP": "203.0.113.77",
                        "podIPs": [{"ip": "203.0.113.77"}],
                    }
                },
                "status",
                "Pod",
            ),
        ),
    ),
    stripped(
        "E3-later",
        "an address of others, once the Endpoints are there",
        (NO_SELECTOR, endpoints("@ownip")),
        lambda seen: not seen.host,  # what it said before may not stay either
        then=(
            Step(
                {
                    "subsets": [
                        {
                            "addresses": [{"ip": "203.0.113.9"}],
                            "ports": [{"name": "http", "port": 80}],
                        }
                    ]
                }
            ),
        ),
        allowed=(NO_SELECTOR, endpoints("@ownip")),
        allowed_then=(Step({"metadata": {"labels": {"app": "later"}}}),),
        shows=lambda seen: seen.facts["ownip"] in str(seen.host["subsets"]),
    ),
    stripped(
        "E3-slice-label",
        "a slice that claims a Service of the host's",
        (
            {**NO_SELECTOR, "metadata": meta("@foreign-@num")},
            endpoint_slice("@ownip", service_name="@foreign-@num"),
        ),
        lambda seen: (
            seen.meta["labels"]["kubernetes.io/service-name"]
            != seen.facts["foreign"] + "-" + seen.facts["num"]
        ),
        allowed=(NO_SELECTOR, endpoint_slice("@ownip")),
        allowed_then=(Step({"metadata": {"labels": {"app": "later"}}}),),
        shows=lambda seen: seen.facts["name"] in seen.meta["labels"]["kubernetes.io/service-name"],
    ),
    inside(
        "E3-managed-slice",
        "a slice of a Service with a selector, made by hand",
        (service(), endpoint_slice("203.0.113.9")),
        lambda seen: (
            "203.0.113.9" not in str([seen.every["Endpoints"], seen.every["EndpointSlice"]])
        ),
        allowed=service(),
    ),
]
