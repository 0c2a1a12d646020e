"""The network of nodes that have not kind's own: point to point, with routes between nodes.

kindnet, kind's own, is in no Go module that can be had. Containers of one Docker network are
neighbours, so a route to each other node's pods is all that pods need. Nothing enforces
NetworkPolicies.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.api import wait
from lab.errors import LabError
from lab.run import output

_FILE = "/etc/cni/net.d/10-lab.conflist"
_PATIENCE = 120.0  # seconds
_UNTIL = f"--timeout={_PATIENCE:.0f}s"


@dataclass(frozen=True)
class Node:
    """A node as the API knows it; kind's containers are called like their nodes."""

    name: str
    address: str
    pods: str


def configuration(pods: str) -> dict[str, object]:
    """Return the CNI configuration of a node, whose pods have addresses of this network."""
    link = {
        "type": "ptp",
        "ipMasq": False,  # pod addresses are routed between the nodes, and nothing is beyond them
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": pods}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    plugins = [link, {"type": "portmap", "capabilities": {"portMappings": True}}]
    return {"cniVersion": "1.0.0", "name": "lab", "plugins": plugins}


def nodes(listed: Mapping[str, Any]) -> list[Node]:
    """Return the nodes of a NodeList, or say which has no addresses for pods yet."""
    found = []
    for item in listed["items"]:
        name, pods = item["metadata"]["name"], item["spec"].get("podCIDR")
        addresses = {each["type"]: each["address"] for each in item["status"]["addresses"]}
        if not pods or "InternalIP" not in addresses:
            raise LabError(f"node {name} has no podCIDR or no InternalIP")
        found.append(Node(name, addresses["InternalIP"], pods))
    return found


def routes(node: Node, others: Sequence[Node]) -> list[tuple[str, ...]]:
    """Return the arguments of `ip` that a node needs."""
    return [
        ("route", "replace", other.pods, "via", other.address) for other in others if other != node
    ]


def up(kubectl: str, kubeconfig: Path, docker: Mapping[str, str], count: int) -> None:
    """Give every node its network, and wait until all are ready; again: no harm."""
    env = {"KUBECONFIG": str(kubeconfig)}
    known: list[Node] = []

    def all_known() -> bool:
        known[:] = nodes(json.loads(output([kubectl, "get", "nodes", "-o=json"], env=env)))
        return len(known) == count

    wait(f"addresses for the pods of {count} nodes", _PATIENCE, all_known, lambda: None)
    for node in known:
        file = json.dumps(configuration(node.pods), indent=1)
        inside = ["docker", "exec", node.name]
        output([*inside, "mkdir", "-p", _FILE.rpartition("/")[0]], env=docker)
        output([*inside, "sh", "-c", f'printf %s "$1" >{_FILE}', "sh", file], env=docker)
        for route in routes(node, known):
            output([*inside, "ip", *route], env=docker)
    output([kubectl, "wait", "nodes", "--all", "--for=condition=Ready", _UNTIL], env=env)


def settled(kubectl: str, kubeconfig: Path) -> None:
    """Wait until the cluster's names resolve and its volumes are made."""
    for namespace, name in (
        ("kube-system", "coredns"),
        ("local-path-storage", "local-path-provisioner"),
    ):
        ready = ("rollout", "status", f"deployment/{name}", f"--namespace={namespace}", _UNTIL)
        output([kubectl, *ready], env={"KUBECONFIG": str(kubeconfig)})
