"""Flags that a version takes or refuses."""

from __future__ import annotations

from tests.contract.row import MODERN, OLD, Row, Seen, at_least

# A switch of every version that the chart can run.
_ALWAYS = (
    *("advertise-address", "bind-address", "cluster-cidr", "cluster-dns", "cluster-domain"),
    *("data-dir", "datastore-cafile", "datastore-certfile", "datastore-endpoint"),
    *("datastore-keyfile", "disable-agent", "disable-cloud-controller", "disable-network-policy"),
    *("disable-scheduler", "flannel-backend", "https-listen-port", "kube-apiserver-arg"),
    *("kube-controller-arg", "kube-controller-manager-arg", "kube-scheduler-arg", "node-name"),
    *("rootless", "service-cidr", "tls-san", "token", "token-file", "write-kubeconfig"),
    *("write-kubeconfig-mode",),
)
_SINCE_1_17 = ("disable", "secrets-encryption")
_MODERN = (
    *("apiserver-port", "config", "disable-apiserver", "disable-controller-manager"),
    *("disable-etcd", "disable-helm-controller", "disable-kube-proxy", "egress-selector-mode"),
    *("embedded-registry", "etcd-s3", "kine-tls", "service-node-port-range"),
    *("tls-san-security", "write-kubeconfig-group"),
)
_OLD = ("cluster-secret", "no-deploy", "no-flannel")
# Of versions before those that have presets, or of none.
_GONE = (
    *("bootstrap-save", "disable-apiserver-lb", "http-listen-port", "multi-cluster-cidr"),
    *("storage-backend", "storage-endpoint"),
)
_NEVER = ("kubelet-preferred-address-types",)
ASKED = (*_ALWAYS, *_SINCE_1_17, *_MODERN, *_OLD, *_GONE, *_NEVER)


def _verdicts(seen: Seen, flags: tuple[str, ...]) -> dict[str, str]:
    found = seen["flags"]["flags"]
    return {flag: found[flag] for flag in flags}


def _all(verdict: str, flags: tuple[str, ...]) -> dict[str, str]:
    return dict.fromkeys(flags, verdict)


def _row(name: str, flags: tuple[str, ...], taken: range, *, refused: range) -> Row:
    def wanted(minor: int) -> object:
        return _all("taken" if minor in taken else "refused", flags)

    minors = [each for each in range(100) if each in taken or each in refused]
    return Row(f"flags: {name}", lambda seen: _verdicts(seen, flags), wanted, tuple(minors))


ROWS = [
    _row("of every version", _ALWAYS, range(100), refused=range(0)),
    _row("since 1.17", _SINCE_1_17, at_least(17), refused=range(17)),
    _row("of modern versions", _MODERN, MODERN, refused=OLD),
    _row("of old versions", _OLD, OLD, refused=MODERN),
    _row("gone", _GONE, range(0), refused=MODERN),
    _row("of no version", _NEVER, range(0), refused=range(100)),
    Row(
        "unknown flag",
        lambda seen: seen["flags"]["unknown"],
        lambda _: {"code": 1, "says": "flag provided but not defined: -…"},
    ),
    Row(
        "wrong --egress-selector-mode",
        lambda seen: seen["flags"]["egress"],
        lambda _: {"code": 1, "says": True},
        tuple(MODERN),
    ),
    Row(
        "k3s --version",
        lambda seen: {**seen["flags"]["version"], "first": _version(seen)},
        lambda _: {"code": 0, "first": True},
    ),
]


def _version(seen: Seen) -> bool:
    """Tell whether the first line names the version of the image's tag."""
    (line,) = seen["flags"]["version"]["first"]
    return str(line).startswith(f"k3s version {seen['release']}")
