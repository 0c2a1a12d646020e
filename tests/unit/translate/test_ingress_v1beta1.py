"""Ingresses between v1 and v1beta1: nothing is lost on the way, and nothing differs afterwards."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from syncer import identity
from syncer.kube.objects import Obj
from syncer.sync.plan import Nothing, plan, with_fields
from syncer.translate.ingress_v1beta1 import PATH_TYPES, to_v1, to_v1beta1
from syncer.translate.ingresses import to_host
from tests.unit.build import SCOPE, ingress, rule

LEGACY = "kubernetes.io/ingress.class"


def _v1(port: Obj, path_type: str = "Prefix") -> Obj:
    return {
        "path": "/",
        "pathType": path_type,
        "backend": {"service": {"name": "web", "port": port}},
    }


def _beta(port: Any, **more: Any) -> Obj:
    return {"path": "/", **more, "backend": {"serviceName": "web", "servicePort": port}}


def _rules(*paths: Obj) -> Obj:
    return {"rules": [{"host": "web.example", "http": {"paths": list(paths)}}]}


TABLE = [
    # v1 spec, v1beta1 spec, v1beta1 annotations
    ({}, {}, {}),
    ({"ingressClassName": "nginx"}, {}, {LEGACY: "nginx"}),
    (
        {"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}},
        {"backend": {"serviceName": "web", "servicePort": 80}},
        {},
    ),
    (
        _rules(_v1({"number": 80})),
        _rules(_beta(80, pathType="Prefix")),
        {PATH_TYPES: "Prefix"},
    ),
    (
        _rules(_v1({"name": "http"}, "Exact"), _v1({"number": 1}, "ImplementationSpecific")),
        _rules(_beta("http", pathType="Exact"), _beta(1, pathType="ImplementationSpecific")),
        {PATH_TYPES: "Exact,ImplementationSpecific"},
    ),
    ({"rules": [{"host": "web.example"}]}, {"rules": [{"host": "web.example"}]}, {}),
    (
        {"tls": [{"hosts": ["web.example"], "secretName": "cert"}]},
        {"tls": [{"hosts": ["web.example"], "secretName": "cert"}]},
        {},
    ),
]


def _object(version: str, spec: Obj, annotations: Obj) -> Obj:
    meta: Obj = {"name": "web", "annotations": {"x": "y", **annotations}}
    api_version = f"networking.k8s.io/{version}"
    return {"apiVersion": api_version, "kind": "Ingress", "metadata": meta, "spec": spec}


@pytest.mark.parametrize(("v1", "beta", "annotations"), TABLE)
def test_each_field_has_its_place_in_the_other_version(
    v1: Obj, beta: Obj, annotations: Obj
) -> None:
    new, old = _object("v1", v1, {}), _object("v1beta1", beta, annotations)
    before = copy.deepcopy((new, old))
    assert to_v1beta1(new) == old
    assert to_v1(old) == new
    assert (new, old) == before


@pytest.mark.parametrize(
    ("patch", "beta"),
    [
        ({"spec": {"ingressClassName": None}}, ({}, {LEGACY: None})),
        ({"spec": {"rules": None}}, ({"rules": None}, {PATH_TYPES: None})),
        (
            {"spec": _rules(_v1({"number": 80}))},
            (_rules(_beta(80, pathType="Prefix")), {PATH_TYPES: "Prefix"}),
        ),
        ({"spec": {"tls": None}}, ({"tls": None}, {})),
    ],
)
def test_patch_removes_and_sets_the_same(patch: Obj, beta: tuple[Obj, Obj]) -> None:
    made = to_v1beta1(patch)
    assert made["spec"] == beta[0]
    assert made.get("metadata", {}).get("annotations", {}) == beta[1]


def test_patch_of_a_status_stays_as_it_is() -> None:
    patch: Obj = {"status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}}
    assert to_v1beta1(patch) == patch
    assert to_v1({**_object("v1beta1", {}, {}), **patch})["status"] == patch["status"]


@pytest.mark.parametrize("drops_path_types", [False, True])
def test_twin_on_an_old_host_needs_no_write(drops_path_types: bool) -> None:  # noqa: FBT001
    """Threats R28: a field that an old server drops must not make us write for ever."""
    tls = [{"hosts": ["web.example"]}]
    desired = to_host(ingress(ingressClassName="nginx", rules=[rule()], tls=tls), SCOPE)
    wire = to_v1beta1(with_fields(desired))
    if drops_path_types:
        for path in wire["spec"]["rules"][0]["http"]["paths"]:
            del path["pathType"]
    assert plan("virt-default-web", to_v1(wire), desired) == Nothing()


def test_class_annotation_that_the_operator_lets_pass_stays_an_annotation() -> None:
    scope = SCOPE._replace(ingress_annotations=(LEGACY,))
    desired = to_host(ingress(metadata={"annotations": {LEGACY: "nginx"}}), scope)
    host = to_v1(to_v1beta1(with_fields(desired)))
    assert host["metadata"]["annotations"][identity.PASSED] == LEGACY
    assert plan("virt-default-web", host, desired) == Nothing()


def test_tenants_v1beta1_ingress_reaches_a_new_host_as_v1() -> None:
    virt = ingress(**_rules(_beta("http")), metadata={"annotations": {LEGACY: "nginx"}})
    virt["apiVersion"] = "networking.k8s.io/v1beta1"
    host = to_host(to_v1(virt), SCOPE)
    assert host["apiVersion"] == "networking.k8s.io/v1"
    assert host["spec"]["ingressClassName"] == "nginx"
    path = host["spec"]["rules"][0]["http"]["paths"][0]
    assert path["pathType"] == "ImplementationSpecific"
    assert path["backend"]["service"]["port"] == {"name": "http"}
