"""The host: kine, kube-apiserver and kube-controller-manager as a lab runs them, without nodes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from lab import components, configs, versions
from lab.addresses import API_SERVICE, Addresses
from lab.components import Layout
from lab.network import Network
from lab.pki import Pki
from lab.processes import ENVIRONMENT, Daemon
from lab.versions import DEFAULT_KUBERNETES
from tests.e2e.cluster import ApiError, Cluster, Unreachable
from tests.e2e.waiting import until
from tests.faults.child import Child

START = 180.0  # seconds, on a machine with much else to do
# Of nodes there are objects only, whose heartbeat nobody sends.
CONTROLLERS = "*,-node-lifecycle-controller,-pod-garbage-collector-controller"


@dataclass(frozen=True)
class Here(Addresses):
    """Addresses of the run's own network namespace: all on its loopback interface."""

    slot: int = 0

    def node(self, number: int) -> IPv4Address:
        """Return the address of a side: 1 is the host, 2 the virtual cluster's pod."""
        return IPv4Address(f"10.254.0.{number}")

    def node_pods(self, number: int) -> IPv4Network:
        """Return the addresses that a node's pods are told to have; nothing listens there."""
        return IPv4Network(f"10.{128 + number}.0.0/16")


class Host:
    """The host cluster."""

    def __init__(self, state: Path, binaries: Path, kine: Path) -> None:
        row = versions.kubernetes(DEFAULT_KUBERNETES)
        self.at = Layout(state, binaries, kine, row, Network("faults", Here(), 1))
        self.pki = Pki(self.at.pki)
        logs = state / "log"
        for directory in (state / "db", logs):
            directory.mkdir(parents=True)
        self._configure()
        # The port that it has by default is that of the virtual one here.
        more = [f"--controllers={CONTROLLERS}", "--secure-port=0"]
        self.children = [
            _child(components.kine(self.at), logs),
            _child(components.apiserver(self.at), logs),
            _child(components.controller_manager(self.at), logs, more),
        ]

    @property
    def kubeconfig(self) -> Path:
        """Return the administrator's kubeconfig."""
        return self.at.kubeconfig("admin")

    def _configure(self) -> None:
        at, pki = self.at, self.pki
        pki.service_account_keys()
        names = ("localhost", "kubernetes.default.svc")
        pki.pair("apiserver", "kube-apiserver", sans=(at.addresses.node(1), API_SERVICE, *names))
        pki.pair("apiserver-kubelet", "apiserver-kubelet", "system:masters")
        pki.pair("front-proxy", "front-proxy-client")
        pki.pair("admin", "admin", "system:masters")
        pki.pair("controller-manager", "system:kube-controller-manager")
        pki.pair("proxy-server", "proxy", sans=("127.0.0.1", at.addresses.node(1)))
        for user in ("admin", "controller-manager"):
            pki.kubeconfig(user, at.server, at.kubeconfig(user))
        at.audit_policy.write_text(json.dumps(configs.AUDIT_POLICY))

    def start(self) -> Cluster:
        """Start it; return its API once that answers."""
        for child in self.children[:2]:
            child.start()
        api = Cluster(self.kubeconfig)
        despite = (Unreachable, ApiError)
        until(
            "the host API is ready", lambda: api.request("GET", "/readyz"), START, despite=despite
        )
        self.children[2].start()
        return api

    def stop(self) -> None:
        """End it."""
        for child in reversed(self.children):
            child.kill()


def _child(daemon: Daemon, logs: Path, more: list[str] | None = None) -> Child:
    return Child(daemon.name, [*daemon.command, *(more or [])], logs, ENVIRONMENT)
