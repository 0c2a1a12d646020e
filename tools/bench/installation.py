"""The virtual cluster that is measured, and the namespaces beside it; all of it goes afterwards."""

from __future__ import annotations

import base64
import contextlib
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml

from lab.paths import STATE_ROOT
from tests.e2e import kubeconfig, manifests
from tests.e2e.audit import AuditLog
from tests.e2e.cluster import ApiError, Cluster, Unreachable
from tests.e2e.pods import wait_account
from tests.e2e.release import MANAGED_BY, Release
from tests.e2e.release import Side as Reach
from tests.e2e.session import BASELINE
from tests.e2e.waiting import until
from tools.bench.api import Api, Obj
from tools.bench.burst import Side
from tools.bench.scrape import Meter

RELEASE = "vc"
SPACE = "bench"
"""The virtual namespace of the pods."""
GONE = 180.0  # seconds for a namespace to end


@dataclass(frozen=True)
class Target:
    """The host, and how the chart is to be installed there."""

    kubeconfig: Path
    scratch: Path
    values: Obj
    image: str
    """What pods run."""

    @property
    def lab(self) -> str:
        """Return the name of the lab that the host is; empty if it is none."""
        place = self.kubeconfig.parent
        return place.name if place.parent == STATE_ROOT else ""

    @property
    def audit(self) -> AuditLog | None:
        """Return the host's audit log, where it can be read."""
        path = self.kubeconfig.parent / "audit.log"
        return AuditLog(path) if path.exists() else None


@dataclass
class Installation:
    """One release in a namespace of its own, and a bare namespace beside it."""

    target: Target
    host: Reach
    release: Release
    bare: str
    virt_kubeconfig: Path

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Connections]:
        """Provide fast clients of both sides."""
        async with Api(self.target.kubeconfig) as host, Api(self.virt_kubeconfig) as virt:
            meter = Meter(host, virt, self.release.namespace, self.release.pod)
            labels = f"{MANAGED_BY}={self.release.name}"
            yield Connections(
                host,
                virt,
                Side("virt", virt, SPACE, host, self.release.namespace, labels),
                Side("bare", host, self.bare),
                meter,
            )


@dataclass(frozen=True)
class Connections:
    """What scenarios speak with."""

    host: Api
    virt: Api
    virt_side: Side
    bare_side: Side
    meter: Meter

    @property
    def sides(self) -> tuple[Side, Side]:
        """Return both, in the order in which they take turns."""
        return self.virt_side, self.bare_side


@contextlib.contextmanager
def namespaces(host: Reach, *purposes: str) -> Iterator[list[str]]:
    """Make namespaces that end with the block, completely."""
    prefix = f"bench-{secrets.token_hex(2)}"
    names = [f"{prefix}-{purpose}" for purpose in purposes]
    try:
        for name in names:
            host.api.create(manifests.namespace(name, **BASELINE))
            wait_account(host, name)
        yield names
    finally:
        for name in names:
            host.api.delete("Namespace", name)
        for name in names:
            until(f"{name} is gone", partial(_absent, host, name), GONE)


def _absent(host: Reach, namespace: str) -> bool:
    return host.api.find("Namespace", namespace) is None


@contextlib.contextmanager
def installed(target: Target) -> Iterator[Installation]:
    """Install the chart, connect, make the namespaces for pods; remove all of it at the end."""
    host = Reach.of(target.kubeconfig)
    with namespaces(host, "virt", "bare") as (virt_space, bare_space):
        release = Release(host, RELEASE, virt_space, target.scratch)
        try:
            release.install(exposed(host, target.values))
            release.wait_coredns()
            file = connect(release)
            virt = Reach.of(file)
            virt.api.create(manifests.namespace(SPACE))
            wait_account(virt, SPACE)
            virt.api.close()
            yield Installation(target, host, release, bare_space, file)
        finally:
            release.uninstall()
    host.api.close()


def exposed(host: Reach, values: Obj) -> Obj:
    """Return values with which the virtual API is reached at a node's port.

    A port-forward would pass every byte through the host's API server, and be what is measured.
    """
    return {
        **values,
        "service": {"type": "NodePort"},
        "virtualCluster": {**values.get("virtualCluster", {}), "tlsSans": [address(host)]},
    }


def address(host: Reach) -> str:
    """Return the address of a node of the host."""
    for node in host.api.all("Node"):
        if "kwok.x-k8s.io/node" in (node["metadata"].get("annotations") or {}):
            continue
        for each in node["status"].get("addresses") or ():
            if each["type"] == "InternalIP":
                return str(each["address"])
    raise AssertionError("no node of the host has an InternalIP")


def reach(release: Release) -> Path | None:
    """Return a kubeconfig of the virtual cluster's admin at the node's port, once there is one."""
    host = release.host
    secret = host.api.find("Secret", f"vc-{release.name}", release.namespace)
    if secret is None:
        return None
    config = yaml.safe_load(base64.b64decode(secret["data"]["config"]))
    service = host.api.get("Service", release.name, release.namespace)
    at_node = kubeconfig.at_node(config, service, address(host))
    return kubeconfig.write(at_node, release.scratch / f"{release.namespace}.kubeconfig")


def connect(release: Release) -> Path:
    """Return it once the virtual API answers there."""
    file = until("the kubeconfig is published", lambda: reach(release))
    virt = Cluster(file)
    until(
        "the virtual API answers at the node's port",
        lambda: virt.get("Namespace", "default"),
        120.0,
        despite=(Unreachable, ApiError),
    )
    virt.close()
    return file
