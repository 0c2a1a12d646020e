"""Ingresses on their way to the host: nobody else's traffic, nobody else's Secrets."""

import copy
from typing import Any

import pytest

from syncer import identity
from syncer.errors import Refused
from syncer.kube.objects import Key, Obj
from syncer.translate.ingresses import references, to_host
from tests.unit.build import SCOPE, host_name, ingress, rule

RAW = "somebodys-x-default-x-other"


def _spec(**spec: Any) -> Obj:
    made: Obj = to_host(ingress(**spec), SCOPE)["spec"]
    return made


def test_backends_and_certificates_are_mapped_even_if_they_look_so_already() -> None:
    """Threats D5."""
    tls = [{"hosts": ["a.example"], "secretName": RAW}, {"hosts": ["b.example"]}]
    made = _spec(rules=[rule("a.example", RAW)], tls=tls, ingressClassName="nginx")
    assert made == {
        "ingressClassName": "nginx",
        "rules": [rule("a.example", host_name("services", RAW))],
        "tls": [
            {"hosts": ["a.example"], "secretName": host_name("secrets", RAW)},
            {"hosts": ["b.example"]},
        ],
    }


def test_references_are_the_certificates() -> None:
    virt = ingress(tls=[{"secretName": "cert"}, {"hosts": ["b.example"]}, {"secretName": ""}])
    assert references(virt) == {Key("secrets", "default", "cert")}
    assert references(ingress()) == set()


def _path(backend: Obj) -> Obj:
    return {"host": "a.example", "http": {"paths": [{"path": "/", "backend": backend}]}}


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({"rules": [{**rule(), "host": ""}]}, "host"),  # E4
        ({"rules": [{"http": rule()["http"]}]}, "host"),
        ({"rules": [rule(), {"http": rule()["http"]}]}, "host"),
        ({"defaultBackend": {"service": {"name": "web"}}}, "defaultBackend"),
        ({"rules": [_path({"resource": {"kind": "Bucket", "name": "b"}})]}, "backend"),  # D6
        ({"fieldOfTheFuture": 1}, "fieldOfTheFuture"),
    ],
)
def test_ingress_that_would_catch_other_peoples_traffic_is_refused(spec: Obj, text: str) -> None:
    with pytest.raises(Refused, match=text):
        _spec(**spec)


def _with_path(path: str) -> Obj:
    made = rule()
    made["http"]["paths"][0] |= {"path": path, "pathType": "ImplementationSpecific"}
    return made


@pytest.mark.parametrize("path", ["/", "/a-b_c.~d", "/x(/|$)(.*)", "/[a-z]+%20", "", "/a?b=c&d=e"])
def test_path_that_stays_one_passes(path: str) -> None:
    assert _spec(rules=[_with_path(path)])["rules"][0]["http"]["paths"][0]["path"] == path


@pytest.mark.parametrize(
    "path",
    [
        "/`) || Host(`bank.example",  # traefik
        "/ {\n deny all; }",  # nginx
        "/a;b",
        '/a"b',
        "/a\\",
        "/a'b",
        "/a#b",
        "/{x}",
        "/a\n",
        "/ü",
        "a",
    ],
)
def test_path_that_would_end_a_rule_is_refused(path: str) -> None:
    """Threats C3."""
    with pytest.raises(Refused, match="characters"):
        _spec(rules=[_with_path(path)])


def test_host_without_paths_is_passed_on() -> None:
    assert _spec(rules=[{"host": "a.example"}])["rules"] == [{"host": "a.example"}]


NGINX = "nginx.ingress.kubernetes.io/"


@pytest.mark.parametrize(
    ("key", "value", "allowed", "passes"),
    [
        (NGINX + "proxy-body-size", "8m", (NGINX + "proxy-body-size",), True),
        (NGINX + "proxy-body-size", "8m", (NGINX + "*",), True),
        (NGINX + "proxy-body-size", "8m", (), False),
        (NGINX + "proxy-body-size", "8m", (NGINX + "proxy",), False),
        (NGINX + "proxy-body-size", "8m", ("cert-manager.io/*",), False),
        # C3: what ends a directive in a proxy's configuration
        (NGINX + "server-alias", "a.example; return 200", (NGINX + "*",), False),
        (NGINX + "server-snippet", "location / {}", (NGINX + "*",), False),
        (NGINX + "auth-url", "http://x/\ninclude /etc/passwd", (NGINX + "*",), False),
        (NGINX + "auth-url", "$(x)", (NGINX + "*",), False),
        (NGINX + "x", '"', (NGINX + "*",), False),
        (NGINX + "x", "a\n", (NGINX + "*",), False),
        (NGINX + "x", "a" * 254, (NGINX + "*",), False),
        (NGINX + "x", "ü", (NGINX + "*",), False),
        (NGINX + "x", "", (NGINX + "*",), True),
    ],
)
def test_annotation_passes_when_its_key_is_listed_and_its_value_harmless(
    key: str,
    value: str,
    allowed: tuple[str, ...],
    passes: bool,  # noqa: FBT001
) -> None:
    scope = SCOPE._replace(ingress_annotations=allowed)
    made = to_host(ingress(metadata={"annotations": {key: value}}), scope)
    annotations = made["metadata"]["annotations"]
    assert (annotations.get(key) == value) is passes
    assert annotations.get(identity.PASSED) == (key if passes else None)


def test_no_listed_key_forges_our_marks() -> None:
    """Threats C7."""
    annotations = {identity.UID: "forged", identity.PASSED: "forged"}
    scope = SCOPE._replace(ingress_annotations=("*",))
    made = to_host(ingress(metadata={"annotations": annotations}), scope)
    assert made["metadata"]["annotations"][identity.UID] == "virt-default-web"
    assert "forged" not in made["metadata"]["annotations"].values()


def test_source_stays_as_it_was() -> None:
    virt = ingress(tls=[{"secretName": "cert"}])
    before = copy.deepcopy(virt)
    to_host(virt, SCOPE)
    assert virt == before


@pytest.mark.parametrize(
    ("spec", "annotations", "hosts"),
    [
        # no limits
        ({"rules": [rule("*.any")]}, {}, ()),
        # a domain, names below it, and the wildcard for these
        ({"rules": [rule("team.example")]}, {}, ("team.example",)),
        ({"rules": [rule("a.b.team.example")]}, {}, ("team.example",)),
        ({"rules": [rule("*.team.example")]}, {}, ("*.team.example",)),
        ({"rules": [rule("a.two")]}, {}, ("team.example", ".two")),
        ({"rules": [], "tls": [{"hosts": ["a.team.example"]}]}, {}, ("team.example",)),
        ({"rules": [rule("a.x")]}, {"cert-manager.io/alt-names": "b.x, c.x"}, ("x",)),
    ],
)
def test_host_under_an_allowed_domain_passes(
    spec: Obj, annotations: Obj, hosts: tuple[str, ...]
) -> None:
    scope = SCOPE._replace(ingress_hosts=hosts, ingress_annotations=("cert-manager.io/*",))
    made = to_host(ingress(metadata={"annotations": annotations}, **spec), scope)
    assert made["spec"].get("rules") or made["spec"].get("tls")


@pytest.mark.parametrize(
    ("spec", "annotations", "named"),
    [
        ({"rules": [rule("other.example")]}, {}, "other.example"),  # E4
        ({"rules": [rule("evilteam.example")]}, {}, "evilteam.example"),
        ({"rules": [rule("*.example")]}, {}, "*.example"),
        ({"rules": [rule("team.example.com")]}, {}, "team.example.com"),
        ({"rules": [rule("a.team.example"), rule("b.example")]}, {}, "b.example"),
        ({"tls": [{"hosts": ["bank.example"], "secretName": "c"}]}, {}, "bank.example"),
        # C3: annotations that claim names
        ({}, {"cert-manager.io/alt-names": "a.team.example,bank.example"}, "bank.example"),
        ({}, {"cert-manager.io/common-name": "bank.example"}, "bank.example"),
        ({}, {NGINX + "server-alias": "a.team.example bank.example"}, "bank.example"),
    ],
)
def test_host_outside_the_allowed_domains_is_refused_and_they_are_named(
    spec: Obj, annotations: Obj, named: str
) -> None:
    keys = ("cert-manager.io/*", NGINX + "*")
    scope = SCOPE._replace(ingress_hosts=("team.example", "x.test"), ingress_annotations=keys)
    spec.setdefault("rules", [rule("a.team.example")])
    with pytest.raises(Refused) as refused:
        to_host(ingress(metadata={"annotations": annotations}, **spec), scope)
    assert repr(named) in refused.value.message
    assert "team.example, x.test" in refused.value.message


LEGACY = "kubernetes.io/ingress.class"


@pytest.mark.parametrize(
    ("field", "annotation", "classes", "keys", "on_host"),
    [
        # what comes of it on the host is (field, annotation), None when it is refused
        ("nginx", "", (), (), ("nginx", None)),
        ("", "", (), (), (None, None)),
        ("", "nginx", (), (), ("nginx", None)),  # as if the field had said it
        ("", "nginx", (), (LEGACY,), (None, "nginx")),
        ("nginx", "", ("traefik", "nginx"), (), ("nginx", None)),
        ("", "nginx", ("nginx",), (), ("nginx", None)),
        ("", "nginx", ("nginx",), (LEGACY,), (None, "nginx")),
        ("internal", "", ("nginx",), (), None),  # E4
        ("", "internal", ("nginx",), (), None),
        ("", "internal", ("nginx",), (LEGACY,), None),
        ("nginx", "internal", ("nginx",), (LEGACY,), None),
        ("", "", ("nginx",), (), None),  # the host's default may be another
    ],
)
def test_class_is_the_one_that_is_named_and_allowed(
    field: str,
    annotation: str,
    classes: tuple[str, ...],
    keys: tuple[str, ...],
    on_host: tuple[str | None, str | None] | None,
) -> None:
    scope = SCOPE._replace(ingress_classes=classes, ingress_annotations=keys)
    annotations = {LEGACY: annotation} if annotation else {}
    spec = {"ingressClassName": field} if field else {}
    virt = ingress(metadata={"annotations": annotations}, rules=[rule()], **spec)
    if on_host is None:
        with pytest.raises(Refused, match="|".join(classes)):
            to_host(virt, scope)
        return
    made = to_host(virt, scope)
    assert made["spec"].get("ingressClassName") == on_host[0]
    assert made["metadata"]["annotations"].get(LEGACY) == on_host[1]
