"""Section K: what the syncer asked of the host, and what its Role grants."""

from __future__ import annotations

from tests.e2e.audit import Request, account_user
from tests.e2e.session import Session
from tests.e2e.waiting import until
from tests.escapes import policy
from tests.escapes.case import Result
from tests.escapes.round import Place

VALUES = (
    *("sync.ingresses.enabled", "sync.podDisruptionBudgets.enabled", "sync.endpoints.enabled"),
    *("sync.pods.ephemeralContainers", "sync.pods.resize"),
)
"""Of installation.py."""
OPTIONAL = {
    # Streams that end-to-end tests open, in both of their ways, and what only some hosts are asked.
    *("create pods/exec", "get pods/exec", "create pods/attach", "get pods/attach"),
    *("get pods/portforward", "create pods/portforward"),
    # The endpoints' own reading is by list and watch; an object by its name only after a conflict.
    *(f"get {each}" for each in ("endpoints", "endpointslices", "events", "ingresses")),
    *("get persistentvolumeclaims", "get poddisruptionbudgets", "get pods", "get services"),
    *("get secrets", "patch pods/resize"),
}
"""What a run need not use: asked for only when something goes wrong, or by streams."""


def results(session: Session, place: Place, names: set[tuple[str, str]]) -> list[Result]:
    """Return the verdicts by the audit log; `names` are objects of others."""
    audit, release = session.audit, place.release
    role = release.host.api.get("Role", release.name, release.namespace)
    groups = release.host.api.json("GET", "/apis")["groups"]
    metrics = any(each["name"] == "metrics.k8s.io" for each in groups)
    # `auto`, the default, asks for these rights where the host has the API.
    by_host = ("sync.metrics.enabled",) if metrics else ()
    have, wanted = policy.granted(role["rules"]), policy.allowed(*VALUES, *by_host)
    told = [
        _result("K-role", "the Role is the threat list's, to the letter", _difference(have, wanted))
    ]
    if audit is None:
        return [*told, _result("K-audit", "the audit log", "it cannot be read here")]
    user = account_user(release.namespace, place.facts["account"])
    requests = until(f"requests of {user}", lambda: audit.requests(user, place.since), 30)
    denied = [
        each
        for each in requests
        if each.code in (401, 403) and not each.granted and "servicecidrs" not in each.uri
    ]
    busiest = policy.busiest(requests)
    never = [each for each in policy.unused(requests, have) if each not in OPTIONAL]
    return [
        *told,
        _result(
            "K-beyond",
            "asks for nothing beyond its Role",
            _some(policy.beyond(requests, wanted, release.namespace)),
        ),
        _result("K-denied", "is denied nothing: it knows what it may", _some(denied)),
        _result("K-foreign", "writes to nothing of others", _some(policy.touched(requests, names))),
        _result("K-wide", "lists nothing but its own", _some(policy.wide(requests, release.name))),
        _result("K-unused", "holds no right that it does not use", ", ".join(never)),
        _result(
            "J1-rate",
            f"asks at most {policy.RATE} times a second, whatever the tenant does",
            "" if busiest <= policy.RATE else f"{busiest} requests in one second",
        ),
    ]


def _difference(
    have: dict[tuple[str, str], frozenset[str]], wanted: dict[tuple[str, str], frozenset[str]]
) -> str:
    more = {what: sorted(verbs - wanted.get(what, frozenset())) for what, verbs in have.items()}
    less = {what: sorted(verbs - have.get(what, frozenset())) for what, verbs in wanted.items()}
    told = [f"more: {what} {verbs}" for what, verbs in more.items() if verbs]
    told += [f"less: {what} {verbs}" for what, verbs in less.items() if verbs]
    return "; ".join(told)


def _some(requests: list[Request]) -> str:
    return "; ".join(map(str, requests[:5])) + (f" … {len(requests)}" if len(requests) > 5 else "")


def _result(id_: str, tries: str, problem: str) -> Result:
    return Result(id_, tries, problem)
