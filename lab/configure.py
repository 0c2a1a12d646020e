"""Writes a lab's keys and configuration files; what is there and right is left alone."""

from __future__ import annotations

import json
from pathlib import Path

from lab import configs, mounts
from lab.addresses import API_SERVICE
from lab.cgroups import Cgroups
from lab.components import Layout
from lab.pki import Pki

_MASTERS = "system:masters"
_USERS = {
    "controller-manager": "system:kube-controller-manager",
    "scheduler": "system:kube-scheduler",
    "proxy": "system:kube-proxy",
}
_API_NAMES = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost")


def configure(at: Layout, cgroups: Cgroups) -> None:
    """Write everything that the daemons of a lab read."""
    _certificates(at)
    (at.state / "db").mkdir(exist_ok=True)
    _write(at.audit_policy, json.dumps(configs.AUDIT_POLICY))
    for number in at.network.numbers:
        _node(at, number, cgroups.node_root(number))


def _certificates(at: Layout) -> None:
    pki, addresses = Pki(at.pki), at.addresses
    pki.service_account_keys()
    own = (addresses.node(1), "127.0.0.1", API_SERVICE, "kubernetes.default.svc.cluster.local")
    pki.pair("apiserver", "kube-apiserver", sans=(*own, *_API_NAMES))
    pki.pair("apiserver-kubelet", "apiserver-kubelet", _MASTERS)
    pki.pair("front-proxy", "front-proxy-client")
    pki.pair("admin", "admin", _MASTERS)
    for user, cn in _USERS.items():
        pki.pair(user, cn)
    nodes = {f"node-{n}": addresses.node(n) for n in at.network.numbers}
    for node, address in nodes.items():
        pki.pair(node, f"system:node:{node}", "system:nodes", (address, node))
    for user in ("admin", *_USERS, *nodes):
        if not at.kubeconfig(user).exists():
            pki.kubeconfig(user, at.server, at.kubeconfig(user))


def _node(at: Layout, number: int, cgroup_root: str) -> None:
    node = at.node(number)
    for directory in ("cni", "kubelet", "pods", "volumes", "volume-plugins"):
        (node / directory).mkdir(parents=True, exist_ok=True)
    if at.row.fixed_logs:
        mounts.share(node)
    kubelet = configs.kubelet(at.row, node, at.pki, f"node-{number}", cgroup_root)
    pods = at.addresses.node_pods(number)
    _write(node / "containerd.toml", configs.containerd(node))
    _write(node / "cni" / "10-lab.conflist", configs.cni(at.network.node(number), node, pods))
    _write(node / "kubelet.json", json.dumps(kubelet, indent=1))
    _write(node / "resolv.conf", configs.resolv_conf(at.addresses.switch))


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
