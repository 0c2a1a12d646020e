"""Who signs whom, as what, for how long."""

from __future__ import annotations

from typing import Any

from tests.contract.expected.network import names
from tests.contract.row import MODERN, OLD, Row, Seen, always
from tests.contract.stage import HOSTNAME

_CLIENT, _SERVER, _REQUEST = (
    f"CN=k3s-{each}-ca@time" for each in ("client", "server", "request-header")
)
AUTHORITIES = {
    "server/tls/client-ca.crt": _CLIENT,
    "server/tls/server-ca.crt": _SERVER,
    "server/tls/request-header-ca.crt": _REQUEST,
}
_LEAVES = {
    "client-admin": "O=system:masters,CN=system:admin",
    "client-controller": "CN=system:kube-controller-manager",
    "client-scheduler": "CN=system:kube-scheduler",
    "client-auth-proxy": "CN=system:auth-proxy",
    "serving-kube-apiserver": "CN=kube-apiserver",
}
_PEERS = {
    "client-kube-proxy": "CN=system:kube-proxy",
    "client-k3s-controller": "CN=system:k3s-controller",
}
_OLD = {
    **_LEAVES,
    **_PEERS,
    "client-kube-apiserver": "CN=kube-apiserver",
    "client-cloud-controller": "CN=cloud-controller-manager",
}
_MODERN = {
    **_LEAVES,
    "client-kube-apiserver": "O=system:masters,CN=system:apiserver",
    "client-k3s-cloud-controller": "CN=k3s-cloud-controller-manager",
    "client-supervisor": "O=system:masters,CN=system:k3s-supervisor",
}
_SERVERS = ("kube-controller-manager", "kube-scheduler")
_SINCE_1_33 = {f"{each}/{each}": f"CN={each}" for each in _SERVERS}
_ETCD = {
    "client": "CN=etcd-client by CN=etcd-server-ca@time: client",
    "server-client": "CN=etcd-server by CN=etcd-server-ca@time: client, server",
    "peer-server-client": "CN=etcd-peer by CN=etcd-peer-ca@time: client, server",
}
AGENT = {
    "agent/client-k3s-controller.crt": "CN=system:k3s-controller",
    "agent/client-kube-proxy.crt": "CN=system:kube-proxy",
    "agent/client-kubelet.crt": f"O=system:nodes,CN=system:node:{HOSTNAME}",
    "agent/serving-kubelet.crt": f"CN={HOSTNAME}",
}
_INNER = (
    *("10.96.0.1", "127.0.0.1", "localhost"),
    *("kubernetes", "kubernetes.default", "kubernetes.default.svc"),
)
_YEAR, _HOUR = 365, 3600  # days, seconds
_ALGORITHM = "EC secp256r1"
_SIGNS = ["digital_signature", "key_encipherment"]


def leaves(minor: int) -> dict[str, str]:
    """Return path → subject of the pairs below server/tls."""
    found = _OLD if minor in OLD else _MODERN if minor < 33 else {**_MODERN, **_SINCE_1_33}
    return {f"server/tls/{name}.crt": subject for name, subject in found.items()}


def _issuer(name: str) -> str:
    if name.endswith("client-auth-proxy.crt"):
        return _REQUEST
    return _SERVER if _serves(name) else _CLIENT


def _serves(name: str) -> bool:
    return "/serving-" in name or any(f"/{each}/" in name for each in _SERVERS)


def _of(seen: Seen, names: Any, what: str) -> dict[str, Any]:
    chains = seen["main"]["certificates"]
    return {name: chains[name][0][what] for name in names}


def _leaf_row(name: str, what: str, wanted: Any) -> Row:
    """Return a row about a property of every leaf, whose names are those of this minor."""
    return Row(
        f"leaves: {name}",
        lambda seen: _of(seen, leaves(seen["minor"]), what),
        lambda minor: {each: wanted(each) for each in leaves(minor)},
    )


def _authority_row(name: str, what: str, wanted: Any) -> Row:
    return Row(
        f"CAs: {name}",
        lambda seen: _of(seen, AUTHORITIES, what),
        lambda _: dict.fromkeys(AUTHORITIES, wanted),
    )


def _begins(seen: Seen) -> dict[str, bool]:
    """Return whether each leaf is valid from the same second on as its CA."""
    chains = seen["main"]["certificates"]
    return {
        name: chains[name][0]["begin"] == chains[name][-1]["begin"]
        for name in leaves(seen["minor"])
    }


def _extended(name: str) -> list[str]:
    return ["server"] if _serves(name) else ["client"]


def _in_short(seen: Seen, name: str) -> str:
    leaf = seen["main"]["certificates"][name][0]
    return f"{leaf['subject']} by {leaf['issuer']}: {', '.join(leaf['extended'])}"


ROWS = [
    Row(
        "leaves: subjects",
        lambda seen: _of(seen, leaves(seen["minor"]), "subject"),
        leaves,
    ),
    _leaf_row("issuers", "issuer", _issuer),
    _leaf_row("days", "days", lambda _: _YEAR),
    _leaf_row("serials", "serial", lambda _: "random"),
    _leaf_row("keys", "key", lambda _: _ALGORITHM),
    _leaf_row("usages", "usages", lambda _: _SIGNS),
    _leaf_row("extended usages", "extended", _extended),
    Row(
        "leaves: followed by their CA",
        lambda seen: {n: len(seen["main"]["certificates"][n]) for n in leaves(seen["minor"])},
        lambda minor: dict.fromkeys(leaves(minor), 2),
    ),
    Row(
        "leaves: valid from when their CA is",
        _begins,
        lambda minor: dict.fromkeys(leaves(minor), True),
    ),
    Row(
        "CAs: seconds by which they are backdated",
        lambda seen: _of(seen, AUTHORITIES, "backdated"),
        lambda minor: dict.fromkeys(AUTHORITIES, 0 if minor in OLD else _HOUR),
    ),
    Row(
        "CAs: subjects",
        lambda seen: _of(seen, AUTHORITIES, "subject"),
        always(AUTHORITIES),
    ),
    Row("CAs: issuers", lambda seen: _of(seen, AUTHORITIES, "issuer"), always(AUTHORITIES)),
    _authority_row("serials", "serial", "0"),
    _authority_row("days", "days", 10 * _YEAR),
    _authority_row("keys", "key", _ALGORITHM),
    _authority_row("usages", "usages", [*_SIGNS, "key_cert_sign"]),
    _authority_row("extended usages", "extended", []),
    Row(
        "certificates of etcd",
        lambda seen: {name: _in_short(seen, f"server/tls/etcd/{name}.crt") for name in _ETCD},
        always(_ETCD),
        minors=tuple(MODERN),
    ),
    Row(
        "certificates of the agent",
        lambda seen: _of(seen, AGENT, "subject"),
        always(AGENT),
        minors=tuple(MODERN),
    ),
    Row(
        "keys' forms",
        lambda seen: sorted({v for k, v in seen["main"]["keys"].items() if "service" in k}),
        always(["BEGIN RSA PRIVATE KEY"]),
    ),
    Row(
        "names in serving-kube-apiserver.crt",
        lambda seen: _of(seen, ["server/tls/serving-kube-apiserver.crt"], "sans"),
        lambda minor: {
            "server/tls/serving-kube-apiserver.crt": sorted(_INNER)
            if minor in OLD
            else names(minor, "cluster.local")
        },
    ),
]
