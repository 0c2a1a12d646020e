"""Row E4: names, classes and paths of Ingresses."""

from __future__ import annotations

from typing import Any

from tests.e2e.cluster import Obj
from tests.escapes.build import ingress
from tests.escapes.case import Case, Step, refused, stripped


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


CASES: list[Case] = [
    *(refused(name, tries, made, ingress()) for name, (tries, made) in INGRESSES.items()),
    stripped(
        "E4-later",
        "another's host, once the Ingress is there",
        ingress(),
        lambda seen: not seen.host,
        then=(Step({"spec": {"rules": _rules("platform.example.com")}}),),
        allowed=ingress(),
        allowed_then=(Step({"metadata": {"labels": {"app": "later"}}}),),
    ),
    stripped(
        "E4-two-classes",
        "another class by the old annotation, once the Ingress is there",
        ingress(),
        lambda seen: not seen.host,
        then=(Step({"metadata": {"annotations": {"kubernetes.io/ingress.class": "internal"}}}),),
        allowed=ingress(),
    ),
]
