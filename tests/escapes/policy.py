"""What the host API server's audit log must not hold of the syncer, and what its Role must grant.

The list is that of the threat list's section K, written down here a second time on purpose: neither
the chart's table nor the syncer's is believed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from urllib.parse import unquote

from tests.e2e.audit import WRITES, Request
from tests.e2e.cluster import Obj

ALL = frozenset(("get", "list", "watch", "create", "patch", "delete"))
READ = frozenset(("get", "list", "watch"))
STREAM = frozenset(("create", "get"))
K: dict[tuple[str, str], frozenset[str]] = {
    ("", "pods"): ALL,
    ("", "pods/log"): frozenset(("get",)),
    **{("", f"pods/{each}"): STREAM for each in ("exec", "attach", "portforward")},
    **{("", each): ALL for each in ("services", "persistentvolumeclaims", "configmaps", "secrets")},
    ("", "endpoints"): READ,
    ("", "events"): READ,
}
"""What every release has."""
BY_VALUE: dict[str, dict[tuple[str, str], frozenset[str]]] = {
    "sync.ingresses.enabled": {("networking.k8s.io", "ingresses"): ALL},
    "sync.podDisruptionBudgets.enabled": {("policy", "poddisruptionbudgets"): ALL},
    "sync.endpoints.enabled": {
        ("", "endpoints"): ALL - READ,
        ("discovery.k8s.io", "endpointslices"): ALL,
    },
    "sync.pods.ephemeralContainers": {("", "pods/ephemeralcontainers"): frozenset(("patch",))},
    "sync.pods.resize": {("", "pods/resize"): frozenset(("patch",))},
    "virtualCluster.replicas": {
        ("coordination.k8s.io", "leases"): frozenset(("create", "get", "update"))
    },
    "sync.metrics.enabled": {("metrics.k8s.io", "pods"): frozenset(("get", "list"))},
}
"""What values add within the namespace."""

ASKING = re.compile(
    r"/(version|api|apis|openapi/[^?]*|api/[^/?]*|apis/[^/?]*(/[^/?]*)?)(\?.*)?"
    r"|/apis/authorization\.k8s\.io/v1/self.*"
    r"|/apis/networking\.k8s\.io/v1/servicecidrs.*"
)
"""What every account may ask, and the one question that has another answer when it is refused."""
RATE = 100 + 200
"""Requests in any one second: the syncer's rate and its burst."""


def granted(rules: Iterable[Obj]) -> dict[tuple[str, str], frozenset[str]]:
    """Return what the rules of a Role grant."""
    found: dict[tuple[str, str], frozenset[str]] = {}
    for rule in rules:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                have = found.get((group, resource), frozenset())
                found[group, resource] = have | frozenset(rule["verbs"])
    return found


def allowed(*values: str) -> dict[tuple[str, str], frozenset[str]]:
    """Return what section K grants to a release with these values."""
    found = dict(K)
    for value in values:
        for what, verbs in BY_VALUE[value].items():
            found[what] = found.get(what, frozenset()) | verbs
    return found


def beyond(
    requests: Iterable[Request], rules: dict[tuple[str, str], frozenset[str]], namespace: str
) -> list[Request]:
    """Return the requests that the rules, in this namespace, do not cover."""
    verbs: dict[str, set[str]] = {}
    for (_, resource), each in rules.items():
        verbs.setdefault(resource, set()).update(each)
    return [
        each
        for each in requests
        if not ASKING.fullmatch(each.uri)
        and (each.namespace != namespace or each.verb not in verbs.get(each.resource, ()))
    ]


def touched(requests: Iterable[Request], objects: Iterable[tuple[str, str]]) -> list[Request]:
    """Return the writes to objects of others (type, name), let through or not."""
    foreign = set(objects)
    return [
        each
        for each in requests
        if each.verb in WRITES and each.verb != "create" and (each.resource, each.name) in foreign
    ]


def unused(requests: Iterable[Request], rules: dict[tuple[str, str], frozenset[str]]) -> list[str]:
    """Return what is granted and was never used."""
    used = {(each.resource, each.verb) for each in requests}
    return sorted(
        f"{verb} {resource}"
        for (_, resource), verbs in rules.items()
        for verb in verbs
        if (resource, verb) not in used
    )


def wide(requests: Iterable[Request], release: str) -> list[Request]:
    """Return the lists and watches that are not of the release's own mark.

    Events have no labels; the host's cert-manager makes TLS Secrets, which have no mark at first.
    """
    mark = f"labelSelector=virtualcluster.dev/managed-by={release}"
    return [
        each
        for each in requests
        if each.verb in ("list", "watch")
        and each.resource != "events"
        and mark not in unquote(each.uri)
        and "metadata.name" not in each.uri
        and not ASKING.fullmatch(each.uri)
        and not (each.resource == "secrets" and "type=kubernetes.io/tls" in unquote(each.uri))
    ]


def busiest(requests: Iterable[Request]) -> int:
    """Return how many requests came in the busiest second."""
    return max(Counter(int(each.at) for each in requests).values(), default=0)
