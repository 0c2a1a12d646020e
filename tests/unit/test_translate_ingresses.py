"""Ingresses on their way to the host: nobody else's traffic, nobody else's Secrets."""

import copy
from typing import Any

import pytest

from syncer import identity
from syncer.errors import Refused
from syncer.objects import Key, Obj
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
