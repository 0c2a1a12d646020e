"""Where a server listens, as whom it shows itself, what it answers to strangers."""

from __future__ import annotations

from tests.contract.lives import FOREIGN, OWN
from tests.contract.row import OLD, Row, Seen, always, by_family
from tests.contract.stage import ADDRESS, HOSTNAME

_OPEN = ("/ping", "/cacerts")
_SUPERVISOR = "/v1-k3s/"


def names(minor: int, domain: str, *more: str) -> list[str]:
    """Return the names that the serving certificate has from the start."""
    names = ["10.96.0.1", "127.0.0.1", ADDRESS, "kubernetes", "kubernetes.default", "localhost"]
    names += [f"kubernetes.default.svc.{domain}", *more]
    if minor not in OLD:
        names += ["::1", HOSTNAME, "kubernetes.default.svc"]
    return sorted(names)


def _gains(seen: Seen, scenario: str) -> list[str]:
    """Return the names that a client's own choice of one has added, at once or a little later."""
    life = seen[scenario]
    later = life.get("again", life["foreign"])
    return sorted({*life["foreign"]["sans"], *later["sans"]} - {*life["shown"]["sans"]})


ROWS = [
    Row(
        "ports",
        lambda seen: seen["main"]["listening"],
        by_family(
            ["*:10252", "*:6443", "127.0.0.1:6444"],
            ["*:6443", "127.0.0.1:10257", "127.0.0.1:6444"],
        ),
    ),
    Row(
        "ports, with --https-listen-port and a scheduler",
        lambda seen: seen["variant"]["listening"],
        by_family(
            ["*:10251", "*:10252", "*:7443", "127.0.0.1:7444"],
            ["*:7443", "127.0.0.1:10257", "127.0.0.1:10259", "127.0.0.1:7444"],
        ),
    ),
    Row(
        "answers to strangers: /ping, /cacerts",
        lambda seen: {each: seen["main"]["answers"][each] for each in _OPEN},
        always(dict.fromkeys(_OPEN, 200)),
    ),
    Row(
        "answers to strangers: the API",
        lambda seen: {
            path: status
            for path, status in seen["main"]["answers"].items()
            if path not in _OPEN and not path.startswith(_SUPERVISOR)
        },
        always(
            dict.fromkeys(("/api", "/healthz", "/livez", "/metrics", "/readyz", "/version"), 401)
        ),
    ),
    Row(
        "answers to strangers: the supervisor",
        lambda seen: {
            status
            for path, status in seen["main"]["answers"].items()
            if path.startswith(_SUPERVISOR)
        },
        by_family({401}, {403}),
    ),
    Row(
        "serving certificate: subject, issuer, days, usages",
        lambda seen: [
            seen["main"]["shown"][each] for each in ("subject", "issuer", "days", "extended")
        ],
        always(["O=k3s,CN=k3s", "CN=k3s-server-ca@time", 365, ["server"]]),
    ),
    Row(
        "serving certificate: names",
        lambda seen: seen["main"]["shown"]["sans"],
        lambda minor: names(minor, "cluster.local"),
    ),
    Row(
        "serving certificate: names with --tls-san and --cluster-domain",
        lambda seen: seen["variant"]["shown"]["sans"],
        lambda minor: names(minor, "contract.local", OWN),
    ),
    Row(
        "a foreign SNI adds its name",
        lambda seen: _gains(seen, "main"),
        by_family([FOREIGN], []),
    ),
    Row(
        "a foreign SNI adds its name, with --tls-san-security=false",
        lambda seen: _gains(seen, "variant"),
        always([FOREIGN]),
    ),
    Row(
        "HTTP/2 is offered",
        lambda seen: seen["main"]["shown"]["protocol"],
        by_family(None, "h2"),
    ),
]
