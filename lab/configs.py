"""The configuration files of a lab's components, each made from what the component must know."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from lab.addresses import CLUSTER_DNS
from lab.versions import Kubernetes

PAUSE = "localhost/pause:3.10"

# One line per request that changes or reads something; the first stage would double the file.
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}],
}


def containerd(directory: Path) -> str:
    """Return containerd's configuration for one node; each node has a containerd of its own."""
    quoted = json.dumps  # TOML's basic strings are JSON's
    return f"""version = 2
root = {quoted(str(directory / "containerd" / "root"))}
state = {quoted(str(directory / "containerd" / "state"))}
# What only other container engines use; each plugin left out is a faster start.
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.internal.v1.opt", "io.containerd.tracing.processor.v1.otlp"]
[grpc]
address = {quoted(str(directory / "containerd.sock"))}
[plugins."io.containerd.grpc.v1.cri"]
# CAP_SYS_RESOURCE may be missing: then no score can be lowered and every sandbox would die.
restrict_oom_score_adj = true
# Mounts below the lab's directory are found and removed with it; /run/netns is everybody's.
netns_mounts_under_state_dir = true
sandbox_image = {quoted(PAUSE)}
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = {quoted(str(directory / "cni"))}
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
[plugins."io.containerd.grpc.v1.cri".registry]
config_path = {quoted(str(registries(directory)))}
"""


def registries(directory: Path) -> Path:
    """Return where one node's containerd looks for how to reach a registry: NAME/hosts.toml."""
    return directory / "certs.d"


def cni(name: str, directory: Path, pods: IPv4Network) -> str:
    """Return the CNI configuration of one node: a bridge, its addresses, host ports."""
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": False,  # pod addresses are routed in the whole lab
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "dataDir": str(directory / "leases"),  # the default directory is the machine's
            "ranges": [[{"subnet": str(pods)}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    plugins = [bridge, {"type": "portmap", "capabilities": {"portMappings": True}}]
    return json.dumps({"cniVersion": "1.0.0", "name": name, "plugins": plugins}, indent=1)


def kubelet(
    row: Kubernetes, directory: Path, pki: Path, node: str, cgroup_root: str
) -> dict[str, object]:
    """Return the KubeletConfiguration of one node."""
    common: dict[str, object] = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": cgroup_root,
        "clusterDNS": [str(CLUSTER_DNS)],
        "clusterDomain": "cluster.local",
        "containerRuntimeEndpoint": f"unix://{directory / 'containerd.sock'}",
        # Nodes share the machine's disk and memory: only a machine in need may evict.
        "evictionHard": {
            "imagefs.available": "1%",
            "memory.available": "100Mi",
            "nodefs.available": "1%",
        },
        "failSwapOn": False,
        "imageGCHighThresholdPercent": 100,  # there is nowhere to pull an image from again
        "maxPods": 250,
        "oomScoreAdj": 0,
        "podLogsDir": str(directory / "pods"),
        "resolvConf": str(directory / "resolv.conf"),
        "tlsCertFile": str(pki / f"{node}.crt"),
        "tlsPrivateKeyFile": str(pki / f"{node}.key"),
        "volumePluginDir": str(directory / "volume-plugins"),
        # Speed: tests wait for what a real cluster lets people wait for.
        "eventRecordQPS": 0,
        "kubeAPIBurst": 400,
        "kubeAPIQPS": 200,
        "nodeStatusUpdateFrequency": "5s",
        "registryPullQPS": 0,
        "serializeImagePulls": False,
        "syncFrequency": "5s",
    }
    return {k: v for k, v in {**common, **row.kubelet}.items() if v is not None}


def resolv_conf(nowhere: IPv4Address) -> str:
    """Return the nodes' resolv.conf: a server that refuses at once, and is no loopback address.

    CoreDNS would take a loopback address for itself, find a forwarding loop and exit.
    """
    return f"nameserver {nowhere}\noptions timeout:1 attempts:1\n"
