"""What a person wants to know of a lab at a glance."""

from __future__ import annotations

from collections.abc import Callable

from lab.api import Api
from lab.lab import Lab
from lab.node import NodeImages


def describe(lab: Lab, echo: Callable[[str], object]) -> bool:
    """Print the state of a lab; tell whether everything is well."""
    r = lab.registration
    echo(f"lab         {r.name}: Kubernetes {r.kubernetes.version}, {r.nodes} nodes")
    echo(f"kubeconfig  {lab.kubeconfig}")
    echo(f"audit log   {lab.state / 'audit.log'}")
    echo(f"nodes       {', '.join(f'node-{n} {r.addresses.node(n)}' for n in lab.numbers)}")
    echo(f"pods        {r.addresses.pods}")
    healthy = True
    for name in expected(lab):
        pid = lab.processes.pid(name)
        healthy &= pid is not None
        shown = f"pid {pid}" if pid is not None else f"not running; log {lab.processes.log(name)}"
        echo(f"  {name:26} {shown}")
    answers = lab.kubeconfig.exists() and Api(lab.kubeconfig).answers("/readyz")
    echo(f"  {'API server':26} {'ready' if answers else 'does not answer'}")
    for number in lab.numbers:
        tags = NodeImages(lab.state / f"node-{number}").tags()
        echo(f"  images of node-{number:<10} {', '.join(tags) or 'none'}")
    return healthy and answers


def expected(lab: Lab) -> list[str]:
    """Return the names of all daemons that a lab has."""
    per_node = [f"{c}-{n}" for n in lab.numbers for c in ("containerd", "kubelet", "kube-proxy")]
    return ["kine", "kube-apiserver", "kube-controller-manager", "kube-scheduler", *per_node]
