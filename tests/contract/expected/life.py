"""How servers start, restart, refuse and end."""

from __future__ import annotations

from tests.contract.expected.certificates import AGENT
from tests.contract.row import OLD, OneOf, Row, always, by_family

_ISSUER = "https://kubernetes.default.svc.{}"
_KEPT = ("objects", "authorities", "leaves", "the token")


def _issuer(minor: int, domain: str) -> object:
    if minor in OLD:
        return {"issuer": "k3s", "audiences": ["unknown"]}
    own = _ISSUER.format(domain)
    return {"issuer": own, "audiences": [own, "k3s"]}


def _ended(minor: int) -> object:
    return OneOf((0, 1)) if minor in OLD else 0


def _misled(minor: int) -> object:
    ends = [{"code": code, "named": True} for code in (0, 1)]
    # Seen to be 1 in 1.18 and 0 in 1.34; in between nobody has looked.
    return ends[1] if minor in OLD else ends[0] if minor >= 34 else OneOf(tuple(ends))


ROWS = [
    Row("/version", lambda seen: seen["main"]["version"] == seen["release"], always(value=True)),
    Row(
        "service accounts' issuer",
        lambda seen: seen["main"]["issuer"],
        lambda minor: _issuer(minor, "cluster.local"),
    ),
    Row(
        "service accounts' issuer, with --cluster-domain",
        lambda seen: seen["variant"]["issuer"],
        lambda minor: _issuer(minor, "contract.local"),
    ),
    Row(
        "process 1 stays as a reaper",
        lambda seen: any("k3s" in each for each in seen["main"]["processes"][1:]),
        by_family(old=False, modern=True),
    ),
    Row(
        "restart without a token",
        lambda seen: {each: seen["main"]["restart"][f"keeps {each}"] for each in _KEPT},
        always(dict.fromkeys(_KEPT, True)),
    ),
    Row(
        "restart: the agent's certificates that are made anew",
        lambda seen: seen["main"]["restart"]["the agent's anew"],
        by_family([], sorted(AGENT)),
    ),
    Row(
        "restart with another token",
        lambda seen: seen["variant"]["other token"],
        by_family({"starts": True}, {"starts": False, "code": 1, "named": True}),
    ),
    Row("SIGTERM: exit code", lambda seen: seen["main"]["stop"]["code"], _ended),
    Row("SIGTERM after a restart", lambda seen: seen["main"]["restart"]["stop"]["code"], _ended),
    Row(
        "unknown argument of kube-apiserver",
        lambda seen: seen["argument"],
        _misled,
    ),
    Row(
        "no default route",
        lambda seen: seen["route"],
        always({"starts": False, "code": 1, "named": True}),
    ),
]
