"""Rows E: traffic of others."""

from __future__ import annotations

import ipaddress
from typing import Any

from tests.e2e.cluster import Obj
from tests.escapes.build import endpoint_slice, endpoints, ingress, meta, pod, service
from tests.escapes.case import Case, Seen, Step, inside, refused, stripped

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


def _rules(host: str | None = "@name.tenant.example.com", **path: Any) -> list[Obj]:
    backend = {"service": {"name": "@name", "port": {"number": 80}}}
    made = {"path": "/", "pathType": "Prefix", "backend": backend, **path}
    rule: Obj = {"http": {"paths": [made]}}
    return [{**rule, "host": host} if host else rule]


INGRESSES: dict[str, tuple[str, Obj]] = {
    "E4-platform-host": ("a host of the platform's", ingress("platform.example.com")),
    "E4-other-tenant": ("a host of another tenant's", ingress("web.other.example.com")),
    "E4-suffix-trick": ("a host that only ends alike", ingress("eviltenant.example.com")),
    "E4-wildcard": ("a wildcard above its domain", ingress("*.example.com")),
    "E4-empty-host": ("a rule for every host", ingress("")),
    "E4-tls-host": ("another's host in tls", ingress(tls=[{"hosts": ["platform.example.com"]}])),
    "E4-second-rule": (
        "another's host behind its own",
        ingress(rules=[*_rules(), *_rules("platform.example.com")]),
    ),
    "E4-default-backend": (
        "what nobody claims",
        ingress(defaultBackend={"service": {"name": "@name", "port": {"number": 80}}}),
    ),
    "E4-class": ("a class that is not offered", ingress(ingressClassName="internal")),
    "E4-no-class": ("the default class", ingress(ingressClassName=None)),
    "E4-legacy-class": (
        "a class by the old annotation",
        ingress(ingressClassName=None, annotations={"kubernetes.io/ingress.class": "internal"}),
    ),
    "E4-path-brace": ("a path that ends a directive", ingress(path="/a;}location/b{")),
    "E4-path-quote": ("a path that ends a string", ingress(path='/a"')),
    "E4-path-newline": ("a path of two lines", ingress(path="/a\nb")),
    "E4-path-backtick": ("a path that ends a rule of traefik's", ingress(path="/a`) || Host(`x")),
}


def _policy(spec: Obj) -> Obj:
    return {"kind": "NetworkPolicy", "metadata": meta(), "spec": {"podSelector": {}, **spec}}


def _no_policies(seen: Seen) -> bool:
    """Tell whether the host namespace has no policies but the chart's."""
    names = {each["metadata"]["name"] for each in seen.every["NetworkPolicy"]}
    return all(name.startswith(seen.facts["rel"]) for name in names) and seen.facts[
        "name"
    ] not in str(names)


def _egress_of_workloads(seen: Seen) -> list[Obj]:
    found = [
        each["spec"].get("egress")
        for each in seen.every["NetworkPolicy"]
        if "workloads" in each["metadata"]["name"]
        and "Egress" in each["spec"].get("policyTypes", ())
    ]
    return [rule for rules in found for rule in rules or ()]


def _blocks(address: str) -> Any:
    """Return a check that the chart's policy lets no workload send there."""

    def check(seen: Seen) -> bool:
        ip = ipaddress.ip_address(address)
        rules = _egress_of_workloads(seen)
        peers: list[Obj] = [peer for rule in rules for peer in rule.get("to") or ()]
        for block in (peer["ipBlock"] for peer in peers if "ipBlock" in peer):
            network = ipaddress.ip_network(block["cidr"])
            within = ip.version == network.version and ip in network
            if within and not any(
                ip in ipaddress.ip_network(each) for each in block.get("except") or ()
            ):
                return False
        return bool(rules)

    return check


def _virtual_dns(seen: Seen) -> bool:
    return (
        seen.spec["dnsPolicy"] == "None"
        and seen.spec["dnsConfig"]["nameservers"][0] == seen.facts["dns"]
        and seen.facts["ns"] in seen.spec["dnsConfig"]["searches"][0]
    )


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
        lambda seen: "203.0.113.9" not in str(seen.every["Endpoints"]),
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
        shows=lambda seen: seen.facts["name"] in seen.meta["labels"]["kubernetes.io/service-name"],
    ),
    inside(
        "E3-managed-slice",
        "Endpoints of a Service with a selector, made by hand",
        (service(), endpoints("203.0.113.9")),
        lambda seen: (
            "203.0.113.9" not in str([seen.every["Endpoints"], seen.every["EndpointSlice"]])
        ),
        allowed=service(),
    ),
    *(refused(name, tries, made, ingress()) for name, (tries, made) in INGRESSES.items()),
    stripped(
        "E4-later",
        "another's host, once the Ingress is there",
        ingress(),
        lambda seen: "platform.example.com" not in str(seen.every["Ingress"]),
        then=(Step({"spec": {"rules": _rules("platform.example.com")}}),),
        allowed=ingress(),
    ),
    stripped(
        "E4-two-classes",
        "another class by the old annotation, once the Ingress is there",
        ingress(),
        lambda seen: "internal" not in str(seen.every["Ingress"]),
        then=(Step({"metadata": {"annotations": {"kubernetes.io/ingress.class": "internal"}}}),),
        allowed=ingress(),
    ),
    *(
        inside(
            f"E5-{name}",
            "a policy that undoes the chart's",
            _policy(spec),
            _no_policies,
            allowed=service(),
        )
        for name, spec in (
            ("egress-all", {"policyTypes": ["Egress"], "egress": [{}]}),
            ("ipblock", {"egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]}),
            ("ingress-all", {"policyTypes": ["Ingress"], "ingress": [{}]}),
            ("namespaces", {"ingress": [{"from": [{"namespaceSelector": {}}]}]}),
        )
    ),
    *(
        inside(
            f"E6-{name}",
            f"a pod that sends to {whom} (the chart's policy; the lab's network enforces none)",
            {"kind": "ConfigMap", "metadata": meta(), "data": {}},
            _blocks(address),
            allowed=service(),
        )
        for name, address, whom in (
            ("imds", "169.254.169.254", "the cloud's metadata"),
            ("imds6", "fd00:ec2::254", "the cloud's metadata by IPv6"),
            ("node", "192.168.1.10", "a node of a private network"),
            ("host-api", "10.96.0.1", "the host's API"),
            ("other-pods", "10.244.9.9", "other namespaces' pods"),
        )
    ),
    *(
        stripped(
            f"E8-{name}",
            f"asks for {policy}",
            pod({"dnsPolicy": policy, **more}),
            _virtual_dns,
            allowed=pod({"dnsPolicy": "ClusterFirst"}),
            shows=_virtual_dns,
        )
        for name, policy, more in (
            ("clusterfirst", "ClusterFirst", {}),
            ("hostnet", "ClusterFirstWithHostNet", {}),
            (
                "searches",
                "ClusterFirst",
                {
                    "dnsConfig": {
                        "nameservers": ["10.96.0.10"],
                        "searches": ["kube-system.svc.cluster.local"],
                    }
                },
            ),
        )
    ),
    *(
        stripped(
            f"E8-{name}",
            "asks the host's own name server",
            pod({"dnsPolicy": policy, **more}),
            lambda seen: (
                seen.spec["dnsPolicy"] != "ClusterFirst"
                and "svc.cluster.local"
                not in str((seen.spec.get("dnsConfig") or {}).get("searches"))
            ),
            allowed=pod(),
            shows=_virtual_dns,
        )
        for name, policy, more in (
            ("default", "Default", {}),
            ("none", "None", {"dnsConfig": {"nameservers": ["192.0.2.53"]}}),
        )
    ),
    stripped(
        "E7-hostaliases",
        "its own idea of the host API's name",
        pod({"hostAliases": [{"ip": "203.0.113.1", "hostnames": ["kubernetes.default.svc"]}]}),
        lambda seen: (
            "203.0.113.1"
            not in str(
                [
                    each
                    for each in seen.every["Pod"]
                    if each["metadata"]["name"] == seen.facts["rel"] + "-0"
                ]
            )
        ),
        allowed=pod(),
    ),
]
