"""Services, and the endpoints of those without a selector."""

from __future__ import annotations

from collections.abc import Container

from syncer.errors import Refused
from syncer.identity import MANAGED_BY, NAMESPACE, tenant_labels
from syncer.kube.objects import Key, Obj
from syncer.translate.context import Scope
from syncer.translate.fields import COPY, DROP, MAP, Verdict, apply
from syncer.translate.nested_fields import check

SERVICE_SPEC: dict[str, Verdict] = {
    "allocateLoadBalancerNodePorts": COPY,
    "clusterIP": MAP,  # the same on both sides; the host decides
    "clusterIPs": DROP,  # follows from clusterIP
    "externalIPs": DROP,  # would catch anybody's traffic (threats E1)
    "externalName": DROP,  # such a Service stays virtual
    "externalTrafficPolicy": MAP,  # only types that the host opens to the outside may have one
    "healthCheckNodePort": DROP,  # the host gives one
    "internalTrafficPolicy": COPY,
    "ipFamilies": DROP,  # the host's own decide
    "ipFamily": DROP,  # of 1.16 to 1.19
    "ipFamilyPolicy": DROP,  # the host's own decide
    "loadBalancerClass": DROP,  # the host operator's choice
    "loadBalancerIP": DROP,  # the host operator's choice
    "loadBalancerSourceRanges": COPY,
    "ports": MAP,  # node ports as the host gives them
    "publishNotReadyAddresses": COPY,
    "selector": MAP,  # labels under the host's keys, among the virtual cluster's own pods
    "sessionAffinity": COPY,
    "sessionAffinityConfig": COPY,
    "topologyKeys": DROP,  # gone since 1.22
    "trafficDistribution": COPY,
    "type": COPY,
}


def key(virt: Obj) -> Key:
    """Return the service's key."""
    return Key("services", virt["metadata"]["namespace"], virt["metadata"]["name"])


def stays_virtual(virt: Obj) -> bool:
    """Tell whether a service has no twin.

    ExternalName lives in the virtual DNS alone; `default/kubernetes` is our own Service
    (sync/kubernetes_service.py).
    """
    meta = virt["metadata"]
    external = virt["spec"].get("type") == "ExternalName"
    return external or (meta["namespace"], meta["name"]) == ("default", "kubernetes")


def to_host(virt: Obj, scope: Scope, host: Obj | None) -> Obj:
    """Return the host service, asking for the virtual one's ClusterIP and nodePorts.

    Of an existing twin the ClusterIP, which is immutable, is kept.
    """
    spec, ident = virt["spec"], scope.ident
    wanted = spec.get("type", "ClusterIP")
    if scope.service_types and wanted not in scope.service_types:
        offered = ", ".join(scope.service_types)
        raise Refused(
            "ServiceTypeRefused", f"Services of type {wanted} are not offered here: use {offered}"
        )
    selector = spec.get("selector")
    ip = spec.get("clusterIP")
    if host is not None and host["spec"].get("clusterIP", "None") != "None" and ip != "None":
        ip = host["spec"].get("clusterIP")
    # Virtual Services that have externalIPs are given one as well, which the host would refuse.
    outside = spec.get("type") in ("NodePort", "LoadBalancer")
    mapped: Obj = {
        "clusterIP": ip,
        "externalTrafficPolicy": spec.get("externalTrafficPolicy") if outside else None,
        "ports": spec.get("ports") or None,
        "selector": {
            **tenant_labels(selector),
            MANAGED_BY: ident.release,
            NAMESPACE: virt["metadata"]["namespace"],
        }
        if selector
        else None,
    }
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": ident.metadata(key(virt), virt),
        "spec": check(apply(SERVICE_SPEC, spec, mapped, where="spec"), "ServiceSpec"),
    }


def endpoints_to_host(virt: Obj, scope: Scope, own_ips: Container[str]) -> Obj:
    """Return the host's Endpoints of a service without selector.

    Only addresses of our own pods pass, as the host reports them (threats E3).
    """
    subsets = []
    for subset in virt.get("subsets") or ():
        for field in ("addresses", "notReadyAddresses"):
            for address in subset.get(field) or ():
                _check_ip(address["ip"], own_ips)
        subsets.append(
            {
                field: [{"ip": each["ip"]} for each in subset[field]]
                for field in ("addresses", "notReadyAddresses")
                if subset.get(field)
            }
            | ({"ports": subset["ports"]} if subset.get("ports") else {})
        )
    meta = virt["metadata"]
    service = Key("services", meta["namespace"], meta["name"])
    this = service._replace(kind="endpoints")
    # An Endpoints object belongs to the service of its own name.
    metadata = scope.ident.metadata(this, virt, name=scope.ident.host_name(service))
    return {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": subsets}


def slice_to_host(virt: Obj, scope: Scope, own_ips: Container[str]) -> Obj:
    """Return the host's EndpointSlice of a service without selector."""
    meta = virt["metadata"]
    service_label = "kubernetes.io/service-name"
    service = (meta.get("labels") or {}).get(service_label, "")
    for endpoint in virt.get("endpoints") or ():
        for ip in endpoint["addresses"]:
            _check_ip(ip, own_ips)
    this = Key("endpointslices", meta["namespace"], meta["name"])
    metadata = scope.ident.metadata(this, virt)
    host_service = scope.ident.host_name(Key("services", meta["namespace"], service))
    metadata["labels"][service_label] = host_service
    metadata["labels"]["endpointslice.kubernetes.io/managed-by"] = "virtualcluster-syncer"
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": metadata,
        "addressType": virt["addressType"],
        "endpoints": [
            {
                "addresses": each["addresses"],
                **({"conditions": each["conditions"]} if each.get("conditions") else {}),
            }
            for each in virt.get("endpoints") or ()
        ],
        "ports": virt.get("ports") or [],
    }


def _check_ip(ip: str, own_ips: Container[str]) -> None:
    if ip not in own_ips:
        raise Refused(
            "AddressRefused",
            f"address {ip} is not a pod of this virtual cluster: only those may stand behind a"
            " service without selector",
        )
