"""What kind makes a cluster from: the table of published node images, and its configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import yaml

from lab.paths import LAB_SOURCE
from lab.registry import DEFAULT_NODES


@dataclass(frozen=True)
class Node:
    """The node image of one Kubernetes minor; CI makes its matrix of the same table."""

    minor: str
    image: str
    kind: str
    """The version of kind that it was published with."""
    cgroup: str
    """What it needs of the machine: kubelets before 1.19 do not start on cgroup v2."""

    @property
    def tag(self) -> str:
        """Return the image without its digest."""
        return self.image.partition("@")[0]


def nodes() -> Mapping[str, Node]:
    """Return minor → node image, for every minor that has one."""
    rows = json.loads((LAB_SOURCE / "kind.json").read_text())
    return {row["minor"]: Node(**row) for row in rows}


def config(
    image: str,
    count: int = DEFAULT_NODES,
    *,
    address: str = "",
    own_network: bool = False,
    kubelet: Mapping[str, object] | None = None,
) -> str:
    """Return what kind makes a cluster from: as many nodes as the lab has, the first the master.

    `address` is where the API server is reached, if not at the loopback address; `own_network`
    leaves kind's network out; `kubelet` are fields of every KubeletConfiguration.
    """
    roles = ["control-plane", *["worker"] * (count - 1)]
    cluster: dict[str, object] = {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "nodes": [{"role": role, "image": image} for role in roles],
    }
    networking: dict[str, object] = {}
    if address:
        # -1: the Engine picks a port; kind itself would look for one where it has not the address.
        networking |= {"apiServerAddress": address, "apiServerPort": -1}
    if own_network:
        networking["disableDefaultCNI"] = True
    if networking:
        cluster["networking"] = networking
    if kubelet:
        document = {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration"}
        patch = yaml.safe_dump({**document, **kubelet}, sort_keys=False)
        cluster["kubeadmConfigPatches"] = [patch]
    return yaml.safe_dump(cluster, sort_keys=False)


def has_own_network(config: str) -> bool:
    """Tell whether a cluster of this configuration was made without kind's network."""
    networking = (yaml.safe_load(config) or {}).get("networking") or {}
    return bool(networking.get("disableDefaultCNI"))
