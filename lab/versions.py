"""What differs between Kubernetes minors, as data: another minor is another row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lab.errors import LabError
from lab.overlays import Edit


@dataclass(frozen=True)
class Kubernetes:
    """One Kubernetes minor that the lab can run as a host."""

    version: str
    """The version of the module k8s.io/kubernetes, and what the binaries report."""
    toolchain: str | None = None
    """A Go toolchain that this version needs, when the machine's own is too new for it."""
    stamped: tuple[str, ...] = ("k8s.io/component-base/version",)
    """The packages in which the binaries look for their version."""
    openapi: bool = False
    """The module lacks its generated OpenAPI definitions; the build makes them."""
    edits: tuple[Edit, ...] = ()
    """What of the module k8s.io/kubernetes is compiled otherwise; only with `openapi`."""
    agnhost: bool = False
    """Build Kubernetes' test image too: one minor's is enough for all."""
    apiserver: Mapping[str, object] = field(default_factory=dict)
    """Flags of kube-apiserver over the common ones; None: not this one."""
    kubelet: Mapping[str, object] = field(default_factory=dict)
    """Fields of KubeletConfiguration over the common ones; None: this minor has no such field."""
    kubelet_flags: Mapping[str, object] = field(default_factory=dict)
    """What the kubelet takes as a flag only, with `{node}` for the node's directory."""
    fixed_logs: bool = False
    """The kubelet keeps the logs of pods in a fixed place, whatever its configuration says."""

    @property
    def minor(self) -> str:
        """Return e.g. `1.34`."""
        return ".".join(self.version.lstrip("v").split(".")[:2])

    @property
    def module(self) -> str:
        """Return the directory under lab/go whose go.mod and go.sum pin it."""
        return f"kubernetes-{self.minor}"


# 1.16's kubelet wants cgo for a library of NVIDIA's; the gonvml that is pinned does without.
_CADVISOR = "pkg/kubelet/cadvisor"
_WITHOUT_CGO = (
    Edit(f"{_CADVISOR}/cadvisor_linux.go", "// +build cgo,linux", "// +build linux"),
    Edit(f"{_CADVISOR}/helpers_linux.go", "// +build cgo,linux", "// +build linux"),
    Edit(f"{_CADVISOR}/cadvisor_unsupported.go", ",!windows linux,!cgo", ",!windows"),
    Edit(f"{_CADVISOR}/helpers_unsupported.go", "!linux linux,!cgo", "!linux"),
)


# The aggregator in front of the API server answers for it, and looks at client-go's.
_STAMPED_UNTIL_1_24 = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
# Upstream's own compiler of these minors is older still, and none newer is known to do.
_GO_OF_OLD = "go1.21.13"
# What the kubelet takes as a flag only.
_RUNTIME_FLAGS = {
    "container-runtime": "remote",
    "container-runtime-endpoint": "unix://{node}/containerd.sock",
}
_WITHOUT_LOGS_DIR = {"podLogsDir": None}
_WITHOUT_RUNTIME = {"containerRuntimeEndpoint": None, **_WITHOUT_LOGS_DIR}


def _before_1_20(version: str, *stamped: str, edits: tuple[Edit, ...] = ()) -> Kubernetes:
    """Return the row of a minor as kubeadm of its time would have set it up."""
    return Kubernetes(
        version,
        toolchain=_GO_OF_OLD,
        stamped=(*_STAMPED_UNTIL_1_24, *stamped),
        openapi=True,
        edits=edits,
        # Without an issuer and a key there are no bound tokens: no TokenRequest, no projected ones.
        apiserver={
            "insecure-port": 0,
            "service-account-issuer": None,
            "service-account-signing-key-file": None,
        },
        kubelet={**_WITHOUT_RUNTIME, "volumePluginDir": None},
        kubelet_flags={**_RUNTIME_FLAGS, "volume-plugin-dir": "{node}/volume-plugins"},
        fixed_logs=True,
    )


# From here on the kubelet must be told that cgroup v1 is meant.
_CGROUP_V1 = {"failCgroupV1": False}

KUBERNETES: Mapping[str, Kubernetes] = {
    k.minor: k
    for k in (
        _before_1_20(
            "v1.16.13",
            "k8s.io/kubernetes/pkg/version",
            "k8s.io/kubectl/pkg/version",
            edits=_WITHOUT_CGO,
        ),
        _before_1_20("v1.17.17"),
        _before_1_20("v1.18.6"),
        Kubernetes(
            "v1.21.14",
            toolchain=_GO_OF_OLD,
            stamped=_STAMPED_UNTIL_1_24,
            openapi=True,
            kubelet=_WITHOUT_RUNTIME,
            kubelet_flags=_RUNTIME_FLAGS,
            fixed_logs=True,
        ),
        Kubernetes(
            "v1.24.17",
            toolchain=_GO_OF_OLD,
            stamped=_STAMPED_UNTIL_1_24,
            kubelet=_WITHOUT_RUNTIME,
            kubelet_flags=_RUNTIME_FLAGS,
            fixed_logs=True,
        ),
        Kubernetes(
            "v1.28.15",
            toolchain=_GO_OF_OLD,
            kubelet=_WITHOUT_LOGS_DIR,
            fixed_logs=True,
        ),
        Kubernetes("v1.30.14"),
        Kubernetes("v1.31.4"),
        Kubernetes("v1.32.5"),
        Kubernetes("v1.33.13"),
        Kubernetes("v1.34.4", agnhost=True),
        Kubernetes("v1.35.4", kubelet=_CGROUP_V1),
        Kubernetes("v1.36.3", kubelet=_CGROUP_V1),
        Kubernetes("v1.37.2", kubelet=_CGROUP_V1),
    )
}
DEFAULT_KUBERNETES = "1.34"

KINE = "v0.16.4"
HELM = "v3.21.4"
COREDNS_TAGS: Mapping[str, str] = {
    "1.16": "coredns/coredns:1.6.3",
    "1.17": "rancher/coredns-coredns:1.6.3",
    "1.18": "rancher/coredns-coredns:1.6.3",
    "1.21": "rancher/mirrored-coredns-coredns:1.9.1",
    "1.24": "rancher/mirrored-coredns-coredns:1.10.1",
    "1.28": "rancher/mirrored-coredns-coredns:1.11.3",
    "1.30": "rancher/mirrored-coredns-coredns:1.12.0",
    "1.31": "rancher/mirrored-coredns-coredns:1.12.3",
    "1.32": "rancher/mirrored-coredns-coredns:1.12.3",
    "1.33": "rancher/mirrored-coredns-coredns:1.12.3",
    "1.34": "rancher/mirrored-coredns-coredns:1.12.4",
    "1.35": "rancher/mirrored-coredns-coredns:1.14.0",
    "1.36": "rancher/mirrored-coredns-coredns:1.14.0",
    "1.37": "rancher/mirrored-coredns-coredns:1.14.4",
}
"""The names in k3s' manifests (`k3s/internal/family`), which hosts take as well: under each is a
CoreDNS that can read the API of that minor."""
COREDNS_OF_RELEASES: Mapping[str, str] = {
    "v1.34.8+k3s1": "rancher/mirrored-coredns-coredns:1.14.4",
}
"""Real releases whose manifests name another CoreDNS than those of the preset's release do."""
COREDNS = "v1.12.4"
COREDNS_1_6 = "v1.6.9"
LOCAL_PATH = "v0.0.30"
HELM_UNITTEST = "v1.0.0"
CHART_TESTING = "v3.13.0"
KUBECONFORM = "v0.8.0"
CRANE = "v0.20.6"
ACTIONLINT = "v1.7.12"
KIND = "v0.33.0"
CONTAINERD = "v2.3.4"
CRICTL = "v1.36.0"
ETCD = "v3.6.5"
TRAEFIK = "v3.7.13"
PROMETHEUS_OPERATOR = "v0.84.0"
CERT_MANAGER = "v1.11.5"
METRICS_SERVER = "v0.9.0"
KWOK = "v0.8.0"
KUBE_ROUTER = "v2.1.0"


def kubernetes(minor: str) -> Kubernetes:
    """Return the row of a minor, or say which there are."""
    try:
        return KUBERNETES[minor]
    except KeyError:
        known = ", ".join(KUBERNETES)
        raise LabError(f"Kubernetes {minor} is not in lab/versions.py; known: {known}") from None
