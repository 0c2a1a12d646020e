"""What lives in the virtual cluster alone, and what of it is shown on the host."""

from __future__ import annotations

import pytest

from tests.e2e import manifests
from tests.e2e.cluster import ApiError, Obj
from tests.e2e.release import Release, Side, Virtual
from tests.e2e.waiting import Pending, until

HOST = "shop.example.com"
ADDRESS = "192.0.2.7"
CRD: Obj = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "boats.e2e.example.com"},
    "spec": {
        "group": "e2e.example.com",
        "scope": "Namespaced",
        "names": {"plural": "boats", "singular": "boat", "kind": "Boat"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {"sails": {"type": "integer", "minimum": 0}},
                            }
                        },
                    }
                },
            }
        ],
    },
}
BOATS = "/apis/e2e.example.com/v1"


@pytest.fixture(scope="module")
def boats(virt: Virtual) -> str:
    """A resource type of the virtual cluster; returns its path."""
    virt.api.create(CRD)

    def served() -> bool:
        try:
            return bool(virt.api.json("GET", f"{BOATS}/boats"))
        except ApiError as error:
            raise Pending(str(error)) from error

    until("the new type is served", served, 30)
    return BOATS


def test_a_new_resource_type_is_the_tenants_own(
    virt: Virtual, host: Side, space: str, boats: str
) -> None:
    path = f"{boats}/namespaces/{space}/boats"
    boat: Obj = {"apiVersion": "e2e.example.com/v1", "kind": "Boat", "spec": {"sails": 3}}
    virt.api.json("POST", path, {**boat, "metadata": {"name": "ann"}})
    assert "ann" in virt.kubectl("get", "boats", "-n", space).out
    with pytest.raises(ApiError, match="sails"):
        virt.api.json("POST", path, {**boat, "spec": {"sails": -1}, "metadata": {"name": "bad"}})
    groups = {each["name"] for each in host.api.json("GET", "/apis")["groups"]}
    assert "e2e.example.com" not in groups


def test_a_cluster_role_is_the_tenants_own(virt: Virtual, host: Side, boats: str) -> None:
    name = "e2e-boat-owner"
    rules = [{"apiGroups": ["e2e.example.com"], "resources": ["boats"], "verbs": ["get", "list"]}]
    ann = {"apiGroup": manifests.RBAC, "kind": "User", "name": "ann"}
    virt.api.create(*manifests.role(name, rules, ann))
    assert boats

    def may(verb: str) -> bool:
        asked = virt.kubectl("auth", "can-i", verb, "boats", "-A", "--as=ann", check=False)
        return asked.out.strip() == "yes"

    until("the binding counts", lambda: may("list"), 10)
    assert not may("delete")
    assert host.api.find("ClusterRole", name) is None


@pytest.fixture(scope="module")
def ingress(virt: Virtual, space: str) -> Obj:
    """An Ingress with TLS in front of a Service."""
    made = manifests.ingress(
        "shop", space, HOST, tls=[{"hosts": [HOST], "secretName": "certificate"}]
    )
    made["metadata"]["annotations"] = {
        "nginx.ingress.kubernetes.io/proxy-body-size": "8m",
        "nginx.ingress.kubernetes.io/configuration-snippet": "return 200 owned;",
    }
    return virt.api.create(
        manifests.service("shop", space),
        manifests.secret("certificate", space, **{"tls.crt": "-", "tls.key": "-"}),
        made,
    )


@pytest.fixture(scope="module")
def twin(release: Release, space: str, ingress: Obj) -> Obj:
    assert ingress
    name = f"shop-x-{space}-x-{release.name}"
    return until(
        "the host has the Ingress",
        lambda: release.host.api.find("Ingress", name, release.namespace),
        30,
    )


def test_an_ingress_leads_to_the_hosts_twins(release: Release, space: str, twin: Obj) -> None:
    suffix = f"-x-{space}-x-{release.name}"
    rule = twin["spec"]["rules"][0]
    assert rule["host"] == HOST
    backend = rule["http"]["paths"][0]["backend"]
    if release.host.api.serves("networking.k8s.io/v1", "ingresses"):
        assert backend == {"service": {"name": f"shop{suffix}", "port": {"number": 80}}}
    else:
        assert backend == {"serviceName": f"shop{suffix}", "servicePort": 80}
    assert twin["spec"]["tls"] == [{"hosts": [HOST], "secretName": f"certificate{suffix}"}]
    api = release.host.api
    assert api.find("Service", f"shop{suffix}", release.namespace)
    secret = f"certificate{suffix}"
    until("its Secret is there", lambda: api.find("Secret", secret, release.namespace), 30)


def test_only_harmless_annotations_of_an_ingress_pass(twin: Obj) -> None:
    annotations = twin["metadata"]["annotations"]
    assert annotations["nginx.ingress.kubernetes.io/proxy-body-size"] == "8m"
    assert not [key for key in annotations if "snippet" in key]


def test_the_status_that_a_controller_gives_an_ingress_is_shown_inside(
    virt: Virtual, release: Release, space: str, twin: Obj
) -> None:
    status = {"status": {"loadBalancer": {"ingress": [{"ip": ADDRESS}]}}}
    name = twin["metadata"]["name"]
    release.host.api.patch("Ingress", name, release.namespace, status, sub="status")
    until(
        "kubectl shows the address",
        lambda: ADDRESS in virt.kubectl("get", "ingress", "-n", space, "shop").out,
        30,
    )


def test_an_ingress_without_a_host_is_refused_with_a_reason(
    virt: Virtual, release: Release, space: str
) -> None:
    virt.api.create(manifests.ingress("greedy", space, ""))

    def told() -> bool:
        events = virt.api.all("Event", space)
        about = [each for each in events if each["involvedObject"]["name"] == "greedy"]
        if not any(each["type"] == "Warning" and "host" in each["message"] for each in about):
            raise Pending(str([each["message"] for each in about]))
        return True

    until("a Warning says what is missing", told, 30)
    name = f"greedy-x-{space}-x-{release.name}"
    assert release.host.api.find("Ingress", name, release.namespace) is None
