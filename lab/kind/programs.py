"""The programs of kind's nodes that no lab has: built from Go modules like all others."""

from __future__ import annotations

from lab import versions
from lab.errors import LabError
from lab.gobuild import MODULES, Program

_CONTAINERD = "github.com/containerd/containerd/v2"

CONTAINERD = Program(  # Debian's is 1.6; kind's builder imports images in a way that only 2.x knows
    name="containerd",
    version=versions.CONTAINERD,
    directory=MODULES / "containerd",
    packages=tuple(
        f"{_CONTAINERD}/cmd/{name}" for name in ("containerd", "ctr", "containerd-shim-runc-v2")
    ),
    ldflags=f"-s -w -X {_CONTAINERD}/version.Version={versions.CONTAINERD}",
    tags="no_btrfs,no_devmapper,no_zfs",  # as kind: its nodes never select these snapshotters
)
CRICTL = Program(  # kind asks it which images a node has; people look into nodes with it
    name="crictl",
    version=versions.CRICTL,
    directory=MODULES / "crictl",
    packages=("sigs.k8s.io/cri-tools/cmd/crictl",),
    ldflags=f"-s -w -X sigs.k8s.io/cri-tools/pkg/version.Version={versions.CRICTL}",
)
ETCD = Program(  # the file is called like the module: server
    name="etcd",
    version=versions.ETCD,
    directory=MODULES / "etcd",
    packages=("go.etcd.io/etcd/server/v3",),
)


def minors() -> list[str]:
    """Return the Kubernetes minors of which a node image can be made."""
    return [minor for minor in versions.KUBERNETES if (MODULES / f"kubeadm-{minor}").is_dir()]


def kubeadm(minor: str) -> Program:
    """Return kubeadm of a Kubernetes version, stamped as the rest of it."""
    if minor not in minors():
        raise LabError(
            f"no node image of kind can be made for {minor}: lab/go has no kubeadm-{minor}; "
            f"there are {', '.join(minors())}"
        )
    row = versions.kubernetes(minor)
    major, small = row.minor.split(".")
    stamps = {"gitVersion": row.version, "gitMajor": major, "gitMinor": small}
    flags = [f"-X {package}.{k}={v}" for package in row.stamped for k, v in stamps.items()]
    return Program(
        name=f"kubeadm-{minor}",
        version=row.version,
        directory=MODULES / f"kubeadm-{minor}",
        packages=("k8s.io/kubernetes/cmd/kubeadm",),
        ldflags=" ".join(("-s -w", *flags)),
        toolchain=row.toolchain,
    )


def of_node(minor: str) -> tuple[Program, ...]:
    """Return all of them for one Kubernetes version."""
    return (CONTAINERD, CRICTL, ETCD, kubeadm(minor))
