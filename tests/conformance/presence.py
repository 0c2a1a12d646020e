"""One resting pod on each host node: without cluster rights, a virtual node is where a pod is."""

from __future__ import annotations

from pathlib import Path

from tests.conformance.images import PAUSE
from tests.e2e import manifests
from tests.e2e.cluster import Cluster, Obj
from tests.e2e.waiting import until

NAME = "presence"
_HOSTNAME = "kubernetes.io/hostname"


def occupy(host: Cluster, virt_kubeconfig: Path) -> None:
    """Make the virtual cluster show as many nodes as the host has, for as long as it lives.

    Any cluster in use shows them. An empty one would gain and lose nodes while specs run, and
    those that count nodes or want two of them would be judged by what else runs just then.
    """
    number = len(host.all("Node"))
    virt = Cluster(virt_kubeconfig)
    if len(virt.all("Node")) == number:
        return
    virt.create(manifests.namespace(NAME), _deployment(number))
    until(f"{number} virtual nodes", lambda: len(virt.all("Node")) == number)
    until(
        "the resting pods are ready",
        lambda: virt.get("Deployment", NAME, NAME)["status"].get("readyReplicas") == number,
    )
    virt.close()


def _deployment(replicas: int) -> Obj:
    apart = {"topologyKey": _HOSTNAME, "labelSelector": {"matchLabels": {"app": NAME}}}
    return manifests.deployment(
        NAME,
        NAME,
        replicas,
        {"name": "pause", "image": PAUSE, "imagePullPolicy": "IfNotPresent"},
        affinity={"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [apart]}},
        # Specs taint nodes; they mean their own pods.
        tolerations=[{"operator": "Exists"}],
    )
