"""What is in a new cluster."""

from __future__ import annotations

from lab.versions import COREDNS_OF_RELEASES, COREDNS_TAGS
from tests.contract.objects import ADDRESS, NODE
from tests.contract.row import Row, Seen, always, by_family
from tests.contract.stage import ADDRESS as OWN_ADDRESS

_RUNTIMES = (
    *("crun", "lunatic", "nvidia", "nvidia-experimental", "slight", "spin", "wasmedge", "wasmer"),
    *("wasmtime", "wws"),
)
_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
_ADDON, _CHART = "addons.k3s.cattle.io", "helmcharts.helm.cattle.io"
_SNAPSHOT = "etcdsnapshotfiles.k3s.cattle.io"


def _row(name: str, old: object, modern: object) -> Row:
    return Row(
        f"objects: {name}",
        lambda seen: seen["main"]["objects"][name],
        by_family(old, modern),
    )


def _coredns(seen: Seen) -> bool:
    """Tell whether CoreDNS' image is the one that the lab has for this release."""
    minor = f"1.{seen['minor']}"
    wanted = COREDNS_OF_RELEASES.get(seen["release"], COREDNS_TAGS[minor])
    if seen["main"]["coredns"] != wanted:
        raise ValueError(f"{seen['main']['coredns']}; lab/versions.py has {wanted}")
    return True


ROWS = [
    _row("namespaces", list(_NAMESPACES), list(_NAMESPACES)),
    _row("addons", ["ccm", "coredns", "rolebindings"], ["coredns", "rolebindings"]),
    Row(
        "objects: addons, with runtimes",
        lambda seen: seen["variant"]["objects"]["addons"],
        by_family(["ccm", "coredns", "rolebindings"], ["coredns", "rolebindings", "runtimes"]),
    ),
    _row("crds", [_ADDON, _CHART], [_ADDON, _SNAPSHOT, "helmchartconfigs.helm.cattle.io", _CHART]),
    Row(
        "objects: crds, with --disable-helm-controller",
        lambda seen: seen["variant"]["objects"]["crds"],
        by_family([_ADDON, _CHART], [_ADDON, _SNAPSHOT]),
    ),
    _row("runtimeclasses", [], []),
    Row(
        "objects: runtimeclasses, with runtimes",
        lambda seen: seen["variant"]["objects"]["runtimeclasses"],
        by_family([], list(_RUNTIMES)),
    ),
    _row("services", ["kube-dns", "kubernetes"], ["kube-dns", "kubernetes"]),
    _row("deployments", ["coredns"], ["coredns"]),
    _row("daemonsets", [], []),
    _row("jobs", [], []),
    _row("storageclasses", [], []),
    Row("Secret k3s-serving", lambda seen: seen["main"]["serving"], always("kubernetes.io/tls")),
    Row("image of CoreDNS", _coredns, always(value=True)),
    Row("address of kube-dns", lambda seen: seen["main"]["dns address"], always("10.96.0.10")),
    Row(
        "a node's line in NodeHosts",
        lambda seen: seen["main"]["node"]["hosts"],
        # The Node has no Hostname address: modern versions write what it has, and a space before.
        by_family([f"{ADDRESS} {NODE}"], [f"{ADDRESS} {NODE} "]),
    ),
    Row(
        "a node's finalizer",
        lambda seen: seen["main"]["node"]["finalizers"],
        always(["wrangler.cattle.io/node"]),
    ),
    Row(
        "Endpoints of kubernetes",
        lambda seen: seen["main"]["endpoints"],
        always([f"{OWN_ADDRESS}:6443"]),
    ),
    Row(
        "Endpoints of kubernetes, with endpoint-reconciler-type=none",
        lambda seen: seen["variant"]["endpoints"],
        always(None),
    ),
]
