"""Rows E5 to E8: policies, and names that are resolved."""

from __future__ import annotations

import ipaddress
from typing import Any

from tests.e2e.cluster import Obj
from tests.escapes.build import meta, pod, service
from tests.escapes.case import Case, Seen, inside, stripped


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
