"""Ingresses: backends and TLS secrets mapped, annotations by an allow-list of keys."""

from __future__ import annotations

import re
from collections.abc import Callable

from syncer.errors import Refused
from syncer.identity import PASSED
from syncer.kube.objects import Key, Obj, annotation
from syncer.translate.context import Scope
from syncer.translate.fields import COPY, MAP, REFUSE, Verdict, apply
from syncer.translate.ingress_policy import LEGACY_CLASS, check_class, check_hosts
from syncer.translate.nested_fields import check

HARMLESS = re.compile(r"[A-Za-z0-9._,:/@ -]{0,253}")
"""Numbers, switches, names: no character that ends a directive in a proxy's configuration."""


PATH = re.compile(r"/[A-Za-z0-9._~!$&()*+,=:@%/|?^\[\]-]*")
"""Paths and the expressions that controllers take for them: nothing that ends a quoted string or a
directive there. In older traefiks a backtick ends the path, and another rule may follow."""

INGRESS_SPEC: dict[str, Verdict] = {
    "backend": REFUSE,  # v1beta1's defaultBackend
    "defaultBackend": REFUSE,  # would take every unclaimed host (threats E4)
    "ingressClassName": COPY,
    "rules": MAP,  # backends are the twins of the services
    "tls": MAP,  # names of the twins of the Secrets
}


def references(virt: Obj) -> set[Key]:
    """Return the TLS Secrets that the ingress names."""
    namespace = virt["metadata"]["namespace"]
    return {
        Key("secrets", namespace, tls["secretName"])
        for tls in virt["spec"].get("tls") or ()
        if tls.get("secretName")
    }


def to_host(virt: Obj, scope: Scope) -> Obj:
    """Return the host Ingress; raise Refused where it would catch other people's traffic."""
    meta, spec, ident = virt["metadata"], virt["spec"], scope.ident

    def rename(kind: str, name: str) -> str:
        return ident.host_name(Key(kind, meta["namespace"], name)) if name else name

    check_class(virt, scope.ingress_classes)
    passed = {
        key: value
        for key, value in (meta.get("annotations") or {}).items()
        if _allowed(key, scope.ingress_annotations) and HARMLESS.fullmatch(value)
    }
    mapped: Obj = {
        "rules": [_rule(rule, rename) for rule in spec.get("rules") or ()] or None,
        "tls": [
            {**tls, "secretName": rename("secrets", tls["secretName"])}
            if tls.get("secretName")
            else tls
            for tls in spec.get("tls") or ()
        ]
        or None,
    }
    check_hosts(spec, passed, scope.ingress_hosts)
    if LEGACY_CLASS not in passed and not spec.get("ingressClassName"):
        # Dropped, it would hand the ingress to whatever class is the host's default.
        mapped["ingressClassName"] = annotation(virt, LEGACY_CLASS) or None
    metadata = ident.metadata(Key("ingresses", meta["namespace"], meta["name"]), virt)
    if passed:
        metadata["annotations"][PASSED] = ",".join(sorted(passed))
    metadata["annotations"] = {**passed, **metadata["annotations"]}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": metadata,
        "spec": check(apply(INGRESS_SPEC, spec, mapped, where="spec"), "IngressSpec"),
    }


def _rule(rule: Obj, rename: Callable[[str, str], str]) -> Obj:
    if not rule.get("host"):
        raise Refused(
            "HostNotOffered", "a rule without a host would take every unclaimed name: name a host"
        )
    if not rule.get("http"):
        return rule
    paths = [
        {**path, "backend": _backend(path["backend"], rename)}
        for path in rule["http"].get("paths") or ()
    ]
    for path in paths:
        if not PATH.fullmatch(path.get("path") or "/"):
            raise Refused(
                "PathRefused",
                f"path {path['path']!r} has characters that end a rule in a controller's"
                " configuration: use letters, digits and ._~!$&()*+,=:@%/|?^[]-",
            )
    return {**rule, "http": {"paths": paths}}


def _backend(backend: Obj, rename: Callable[[str, str], str]) -> Obj:
    if "service" not in backend:
        raise Refused("FieldRefused", "a backend must be a service of the ingress's namespace")
    service = backend["service"]
    return {"service": {**service, "name": rename("services", service["name"])}}


def _allowed(key: str, patterns: tuple[str, ...]) -> bool:
    return any(
        key.startswith(pattern[:-1]) if pattern.endswith("*") else key == pattern
        for pattern in patterns
    )
