"""What a server writes: names and modes of files, the token, the kubeconfig."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tests.contract.row import OLD, Row, Seen, always, by_family

_LEAVES = (
    *("client-admin", "client-auth-proxy", "client-controller", "client-kube-apiserver"),
    *("client-scheduler", "serving-kube-apiserver"),
)
_AUTHORITIES = ("client-ca", "request-header-ca", "server-ca")
_PEERS = ("client-k3s-controller", "client-kube-proxy")
_OLD_LEAVES = (*_LEAVES, *_PEERS, "client-cloud-controller")
_MODERN_LEAVES = (*_LEAVES, "client-k3s-cloud-controller", "client-supervisor")
_ETCD = ("client", "peer-ca", "peer-server-client", "server-ca", "server-client")
_SECRET = ("server/tls/client-kubelet.key", "server/tls/serving-kubelet.key")
# Of what the API server makes for itself, and of joins that nobody asks for.
_OWN = re.compile(r"server/tls/temporary-certs/.*|server/db/joined-.*|server/db/bootstrap\.sealed")


def _pairs(names: tuple[str, ...], mode: str) -> dict[str, str]:
    found = {f"server/tls/{name}.crt": mode for name in names}
    return found | {f"server/tls/{name}.key": "0600" for name in names}


_LINK = "-> /data/server/token"
_BOTH = {
    **{f"server{each}": "dir 0700" for each in ("", "/cred", "/db", "/manifests", "/static")},
    "server/tls": "dir 0700",
    "server/tls/temporary-certs": "dir 0700",
    **dict.fromkeys(_SECRET, "0600"),
    "server/tls/service.key": "0600",
    "server/cred/ipsec.psk": "0600",
    "server/cred/passwd": "0600",
    "server/kine.sock": "socket 0600",
    "server/db/state.db": "0644",
    "server/manifests/coredns.yaml": "0600",
    "server/manifests/rolebindings.yaml": "0600",
    "server/token": "0600",
    "server/node-token": _LINK,
}
_KUBECONFIGS = ("admin", "api-server", "cloud-controller", "controller", "scheduler")
OLD_FILES = {
    **_BOTH,
    **_pairs((*_OLD_LEAVES, *_AUTHORITIES), "0644"),
    **{f"server/cred/{name}.kubeconfig": "0644" for name in _KUBECONFIGS},
    "server/manifests/ccm.yaml": "0600",
    "server/tls/dynamic-cert.json": "0644",
}
_SERVERS = ("kube-controller-manager", "kube-scheduler")
_AGENT = ("client-k3s-controller", "client-kube-proxy", "client-kubelet", "serving-kubelet")
MODERN_FILES = {
    **_BOTH,
    **_pairs((*_MODERN_LEAVES, *_AUTHORITIES), "0644"),
    **{f"server/tls/{each}.key": "0600" for each in _PEERS},  # their pairs are the agent's
    "server/tls/etcd": "dir 0755",
    **_pairs(tuple(f"etcd/{each}" for each in _ETCD), "0644"),
    **{f"server/tls/{each}-ca.nochain.crt": "0644" for each in ("client", "server")},
    "server/tls/dynamic-cert.json": "0600",
    "server/tls/service.current.key": "0600",
    **{f"server/cred/{name}.kubeconfig": "0600" for name in (*_KUBECONFIGS, "supervisor")},
    **{f"agent/{name}.crt": "0600" for name in _AGENT},
    **{f"agent/{name}.key": "0600" for name in _AGENT},
    **{f"agent/{name}-ca.crt": "0600" for name in ("client", "server")},
    **{f"agent/{name}.kubeconfig": "0600" for name in ("k3scontroller", "kubelet", "kubeproxy")},
    "agent": "dir 0700",
    "agent/etc": "dir 0700",
    "server/agent-token": _LINK,
    "server/etc": "dir 0700",
    "server/etc/cloud-config.yaml": "0600",
    "server/etc/egress-selector-config.yaml": "0600",
}


SINCE_1_32 = {"agent/etc/kubelet.conf.d": "dir 0700"}
SINCE_1_33 = {
    **_pairs(tuple(f"{each}/{each}" for each in _SERVERS), "0644"),
    **{f"server/tls/{each}": "dir 0755" for each in _SERVERS},
}
"""Components that serve by certificates of the server's CA; before, by those of their own."""


def files(minor: int) -> Mapping[str, str]:
    """Return the files of a minor and their modes."""
    if minor in OLD:
        return OLD_FILES
    later = (SINCE_1_32 if minor >= 32 else {}) | (SINCE_1_33 if minor >= 33 else {})
    return MODERN_FILES | later


def _files(seen: Seen, where: str) -> Mapping[str, str]:
    found = seen["main"]["files"]
    return {
        name: mode
        for name, mode in found.items()
        if _within(name, where) and not _OWN.fullmatch(name)
    }


def _within(name: str, where: str) -> bool:
    """Tell whether it is that directory or something in it."""
    return name == where or name.startswith(f"{where}/")


def _wanted(where: str) -> Row:
    def chosen(minor: int) -> object:
        return {name: mode for name, mode in files(minor).items() if _within(name, where)}

    return Row(f"files and modes: {where}", lambda seen: _files(seen, where), chosen)


_PLACES = tuple(f"server/{each}" for each in ("tls", "cred", "db", "manifests", "etc"))


def _direct(found: Mapping[str, str]) -> Mapping[str, str]:
    """Return the server's directory and what lies in it directly and has no row of its own."""
    chosen = {n: mode for n, mode in found.items() if _within(n, "server") and n.count("/") < 2}
    return {n: mode for n, mode in chosen.items() if n not in _PLACES and not n.endswith("token")}


ROWS = [
    Row(
        "files and modes: server",
        lambda seen: _direct(seen["main"]["files"]),
        lambda minor: _direct(files(minor)),
    ),
    *map(_wanted, _PLACES),
    _wanted("agent"),
    Row(
        "files and modes: tokens",
        lambda seen: {k: v for k, v in seen["main"]["files"].items() if k.endswith("token")},
        lambda minor: {n: mode for n, mode in files(minor).items() if n.endswith("token")},
    ),
    Row("form of the token", lambda seen: seen["main"]["token form"], always(value=True)),
    Row(
        "a token that is given is the password",
        lambda seen: seen["variant"]["token"],
        always("a-token-of-the-contract"),
    ),
    Row(
        "users of cred/passwd",
        lambda seen: seen["main"]["passwd"],
        by_family(
            ["admin,admin,system:masters", "node,node,k3s:agent", "server,server,k3s:server"],
            ["node,node,k3s:agent", "server,server,k3s:server"],
        ),
    ),
    Row(
        "components' kubeconfigs",
        lambda seen: seen["main"]["kubeconfigs"],
        always(["https://127.0.0.1:6444 by full paths"]),
    ),
    Row(
        "kubeconfig",
        lambda seen: seen["main"]["kubeconfig"],
        lambda minor: {
            "mode": "0600",
            "server": "https://127.0.0.1:6443",
            "names": ["default"] * 3,
            "user": "admin" if minor in OLD else "",
            "credentials": ["password", "username"]
            if minor in OLD
            else ["client-certificate-data", "client-key-data"],
        },
    ),
    Row(
        "link at the usual place",
        lambda seen: seen["main"]["link"],
        always("/k3s-config/kube-config.yaml"),
    ),
    Row(
        "mode of /etc/rancher/node/password",
        lambda seen: seen["main"]["node password"],
        by_family("", "0600"),
    ),
]
