"""What differs between Kubernetes minors, as data: another minor is another row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.lab.errors import LabError


@dataclass(frozen=True)
class Kubernetes:
    """One Kubernetes minor that the lab can run as a host."""

    version: str
    """The version of the module k8s.io/kubernetes, and what the binaries report."""
    module: str
    """The directory under tests/lab/go whose go.mod and go.sum pin it."""
    toolchain: str | None = None
    """A Go toolchain that this version needs, when the machine's own is too new for it."""
    kubelet: Mapping[str, object] = field(default_factory=dict)
    """Fields of KubeletConfiguration over the common ones; None: this minor has no such field."""
    apiserver: tuple[str, ...] = ()
    """Arguments of kube-apiserver that only this minor takes."""

    @property
    def minor(self) -> str:
        """Return e.g. `1.34`."""
        return ".".join(self.version.lstrip("v").split(".")[:2])


KUBERNETES: Mapping[str, Kubernetes] = {
    k.minor: k for k in (Kubernetes(version="v1.34.4", module="kubernetes-1.34"),)
}
DEFAULT_KUBERNETES = "1.34"

KINE = "v0.16.4"
HELM = "v3.21.4"
COREDNS_TAGS: Mapping[str, str] = {
    "1.16": "coredns/coredns:1.6.3",
    "1.17": "rancher/coredns-coredns:1.6.3",
    "1.18": "rancher/coredns-coredns:1.6.9",
    "1.30": "rancher/mirrored-coredns-coredns:1.12.0",
    "1.31": "rancher/mirrored-coredns-coredns:1.12.3",
    "1.32": "rancher/mirrored-coredns-coredns:1.12.3",
    "1.33": "rancher/mirrored-coredns-coredns:1.12.3",
    "1.34": "rancher/mirrored-coredns-coredns:1.12.4",
    "1.35": "rancher/mirrored-coredns-coredns:1.14.0",
    "1.36": "rancher/mirrored-coredns-coredns:1.14.0",
}
"""The names in k3s' manifests (`k3s/internal/family`), which hosts take as well: under each is a
CoreDNS that can read the API of that minor."""
COREDNS = "v1.12.4"
COREDNS_1_6 = "v1.6.9"
LOCAL_PATH = "v0.0.30"
HELM_UNITTEST = "v1.0.0"
CHART_TESTING = "v3.13.0"
KUBECONFORM = "v0.8.0"
CRANE = "v0.20.6"
TRAEFIK = "v3.7.13"
CERT_MANAGER = "v1.11.5"
METRICS_SERVER = "v0.9.0"


def kubernetes(minor: str) -> Kubernetes:
    """Return the row of a minor, or say which there are."""
    try:
        return KUBERNETES[minor]
    except KeyError:
        known = ", ".join(KUBERNETES)
        raise LabError(
            f"Kubernetes {minor} is not in tests/lab/versions.py; known: {known}"
        ) from None
