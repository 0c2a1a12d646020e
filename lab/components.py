"""The command line of every component of a lab."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lab.addresses import API_PORT, SERVICE_CIDR, Addresses
from lab.mounts import POD_LOGS, Binds
from lab.network import Network
from lab.processes import Daemon
from lab.versions import Kubernetes


@dataclass(frozen=True)
class Layout:
    """Where a lab's files are, and what runs them."""

    state: Path
    binaries: Path
    kine: Path
    row: Kubernetes
    network: Network

    @property
    def addresses(self) -> Addresses:
        """Return the lab's addresses."""
        return self.network.addresses

    @property
    def pki(self) -> Path:
        """Return the directory of keys and certificates."""
        return self.state / "pki"

    @property
    def audit_log(self) -> Path:
        """Return the API server's audit log: one JSON object per line."""
        return self.state / "audit.log"

    @property
    def audit_policy(self) -> Path:
        """Return what of each request is written there."""
        return self.state / "audit-policy.json"

    def node(self, number: int) -> Path:
        """Return the directory of a node."""
        return self.state / f"node-{number}"

    def kubeconfig(self, user: str) -> Path:
        """Return the kubeconfig of `admin` or of a component."""
        return self.state / f"{user}.kubeconfig"

    @property
    def server(self) -> str:
        """Return the URL of the API server."""
        return f"https://{self.addresses.node(1)}:{API_PORT}"


def kine(at: Layout) -> Daemon:
    """Return the store: sqlite behind etcd's protocol, as k3s has it."""
    options = "_journal=WAL&cache=shared&_busy_timeout=30000&_txlock=immediate"
    command = [
        str(at.kine / "kine"),
        f"--endpoint=sqlite://{at.state}/db/state.db?{options}",
        "--listen-address=tcp://127.0.0.1:2379",
        "--metrics-bind-address=0",  # else it takes port 8080
    ]
    return Daemon("kine", at.network.path(1), command)


def apiserver(at: Layout) -> Daemon:
    """Return the API server, on the first node's address."""
    pki = at.pki
    flags = {
        "advertise-address": at.addresses.node(1),
        "allow-privileged": "true",
        "audit-log-maxbackup": 3,
        "audit-log-maxsize": 200,
        "audit-log-path": at.audit_log,
        "audit-policy-file": at.audit_policy,
        "authorization-mode": "Node,RBAC",
        "bind-address": "0.0.0.0",  # noqa: S104  the namespace is the lab's own
        "client-ca-file": pki / "ca.crt",
        "enable-admission-plugins": "NodeRestriction",
        "enable-aggregator-routing": "true",
        "etcd-servers": "http://127.0.0.1:2379",
        "kubelet-certificate-authority": pki / "ca.crt",
        "kubelet-client-certificate": pki / "apiserver-kubelet.crt",
        "kubelet-client-key": pki / "apiserver-kubelet.key",
        # Names of nodes resolve nowhere.
        "kubelet-preferred-address-types": "InternalIP",
        "proxy-client-cert-file": pki / "front-proxy.crt",
        "proxy-client-key-file": pki / "front-proxy.key",
        "requestheader-allowed-names": "front-proxy-client",
        "requestheader-client-ca-file": pki / "ca.crt",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-username-headers": "X-Remote-User",
        "secure-port": API_PORT,
        "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
        "service-account-key-file": pki / "sa.pub",
        "service-account-signing-key-file": pki / "sa.key",
        "service-cluster-ip-range": SERVICE_CIDR,
        "tls-cert-file": pki / "apiserver.crt",
        "tls-private-key-file": pki / "apiserver.key",
    }
    command = [str(at.binaries / "kube-apiserver"), *_flags({**flags, **at.row.apiserver})]
    files = (pki / "apiserver.crt", at.audit_policy)
    return Daemon("kube-apiserver", at.network.path(1), command, files)


def controller_manager(at: Layout) -> Daemon:
    """Return the controller manager; it exits when it starts before RBAC is there."""
    flags = {
        **_kubeconfigs(at.kubeconfig("controller-manager")),
        "allocate-node-cidrs": "false",  # the CNI configuration of each node says them
        "cluster-signing-cert-file": at.pki / "ca.crt",
        "cluster-signing-key-file": at.pki / "ca.key",
        "kube-api-burst": 400,
        "kube-api-qps": 200,
        "leader-elect": "false",
        "root-ca-file": at.pki / "ca.crt",
        "service-account-private-key-file": at.pki / "sa.key",
        "use-service-account-credentials": "true",
    }
    command = [str(at.binaries / "kube-controller-manager"), *_flags(flags)]
    return Daemon("kube-controller-manager", at.network.path(1), command)


def scheduler(at: Layout) -> Daemon:
    """Return the scheduler."""
    flags = {
        **_kubeconfigs(at.kubeconfig("scheduler")),
        "kube-api-burst": 400,
        "kube-api-qps": 200,
        "leader-elect": "false",
    }
    command = [str(at.binaries / "kube-scheduler"), *_flags(flags)]
    return Daemon("kube-scheduler", at.network.path(1), command)


def containerd(at: Layout, number: int) -> Daemon:
    """Return a node's container runtime."""
    config = at.node(number) / "containerd.toml"
    command = ["containerd", "--config", str(config)]
    return Daemon(
        f"containerd-{number}", at.network.path(number), command, (config,), _logs(at, number)
    )


def kubelet(at: Layout, number: int) -> Daemon:
    """Return a node's kubelet."""
    config = at.node(number) / "kubelet.json"
    flags = {
        "config": config,
        "hostname-override": f"node-{number}",
        "kubeconfig": at.kubeconfig(f"node-{number}"),
        "node-ip": at.addresses.node(number),
        "root-dir": at.node(number) / "kubelet",
        **{k: str(v).format(node=at.node(number)) for k, v in at.row.kubelet_flags.items()},
    }
    command = [str(at.binaries / "kubelet"), *_flags(flags)]
    return Daemon(
        f"kubelet-{number}", at.network.path(number), command, (config,), _logs(at, number)
    )


def proxy(at: Layout, number: int) -> Daemon:
    """Return a node's kube-proxy."""
    flags = {
        "cluster-cidr": at.addresses.pods,
        # The connection table's size is the machine's; a namespace may not set it.
        "conntrack-max-per-core": 0,
        "hostname-override": f"node-{number}",
        "iptables-min-sync-period": "100ms",
        "kubeconfig": at.kubeconfig("proxy"),
        "proxy-mode": "iptables",
    }
    command = [str(at.binaries / "kube-proxy"), *_flags(flags)]
    return Daemon(f"kube-proxy-{number}", at.network.path(number), command)


def _logs(at: Layout, number: int) -> Binds:
    """Return where a node's kubelet and its runtime find the logs of pods.

    A kubelet removes the logs of pods that it does not know: those of other nodes, if both keep
    them in one place.
    """
    return ((at.node(number) / "pods", POD_LOGS),) if at.row.fixed_logs else ()


def _kubeconfigs(path: Path) -> dict[str, object]:
    names = ("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig")
    return dict.fromkeys(names, path)


def _flags(flags: dict[str, object]) -> list[str]:
    return [f"--{name}={value}" for name, value in flags.items() if value is not None]
