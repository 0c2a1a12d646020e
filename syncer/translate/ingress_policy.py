"""What an operator lets tenants' ingresses claim: names under given domains, controllers by class.

Without limits every name and class passes: the host's own admission may know better.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from syncer.errors import Refused
from syncer.kube.objects import Obj, annotation

LEGACY_CLASS = "kubernetes.io/ingress.class"
"""What named the class before `ingressClassName`, and still counts for every controller."""
NAMING = ("/server-alias", "/alt-names", "/common-name", "/hostname")
"""Ends of annotation keys whose values are further names to serve or to certify."""


def check_hosts(spec: Obj, passed: dict[str, str], domains: tuple[str, ...]) -> None:
    """Raise Refused for a name outside the domains; `passed` are the annotations for the host.

    A domain allows itself, all names below it, and the wildcard for these.
    """
    if not domains:
        return
    for name in _names(spec, passed):
        base = name.lower().removeprefix("*.")
        if not any(base == each or base.endswith(f".{each}") for each in map(_domain, domains)):
            raise Refused(
                "HostNotOffered",
                f"host {name!r} is not offered here; allowed are names under:"
                f" {', '.join(map(_domain, domains))}",
            )


def check_class(virt: Obj, classes: tuple[str, ...]) -> None:
    """Raise Refused for a class that is not listed, however it is named, and for none."""
    if not classes:
        return
    allowed = f"allowed are: {', '.join(classes)}"
    named = {virt["spec"].get("ingressClassName") or "", annotation(virt, LEGACY_CLASS)} - {""}
    if not named:
        raise Refused("ClassRefused", f"spec.ingressClassName must be set; {allowed}")
    for name in sorted(named - set(classes)):
        raise Refused("ClassRefused", f"ingress class {name!r} is not offered here; {allowed}")


def _names(spec: Obj, passed: dict[str, str]) -> Iterator[str]:
    """Yield every name that an ingress wants to serve, or to have certified."""
    for rule in spec.get("rules") or ():
        yield rule.get("host") or ""
    for tls in spec.get("tls") or ():
        yield from tls.get("hosts") or ()
    for key, value in passed.items():
        if key.endswith(NAMING):
            yield from filter(None, re.split(r"[,\s]+", value))


def _domain(text: str) -> str:
    """Return the domain that a value means: `*.a.example` and `.a.example` are `a.example`."""
    return text.lower().removeprefix("*").removeprefix(".")
