"""A host cluster of kind, where Docker and a registry are to be had."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from lab.cache import tree_digest
from lab.errors import LabError
from lab.images import SYNCER_TAG
from lab.job_base import Host
from lab.paths import LAB_SOURCE, REPO
from lab.progress import Progress
from lab.registry import DEFAULT_NODES
from lab.run import output, run
from lab.versions import DEFAULT_KUBERNETES

_PATIENCE = 30.0  # seconds for an engine or a registry to say anything at all


@dataclass(frozen=True)
class Node:
    """The node image of one Kubernetes minor; CI makes its matrix of the same table."""

    minor: str
    image: str
    kind: str
    """The version of kind that it was published with."""
    cgroup: str
    """What it needs of the machine: kubelets before 1.19 do not start on cgroup v2."""


def nodes() -> Mapping[str, Node]:
    """Return minor → node image, for every minor that has one."""
    rows = json.loads((LAB_SOURCE / "kind.json").read_text())
    return {row["minor"]: Node(**row) for row in rows}


def config(node: Node, count: int = DEFAULT_NODES) -> str:
    """Return what kind makes a cluster from: as many nodes as the lab has, the first the master."""
    roles = ["control-plane", *["worker"] * (count - 1)]
    cluster = {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "nodes": [{"role": role, "image": node.image} for role in roles],
    }
    return yaml.safe_dump(cluster, sort_keys=False)


def obstacle(minor: str = DEFAULT_KUBERNETES) -> str | None:
    """Return why kind cannot be the host here, None if it can."""
    if shutil.which("kind") is None:
        return "kind is not installed"
    if not _answers("docker", "info"):
        return "no Docker engine answers (docker info)"
    # The engine may have the node's image, but the nodes pull that of k3s in any case.
    image = nodes()[minor].image.partition("@")[0]
    if not _answers("docker", "manifest", "inspect", image):
        return f"no registry answers for {image} (docker manifest inspect)"
    return None


class Kind(Host):
    """A cluster of kind with the syncer's image of the working tree; the rest it pulls."""

    def __init__(
        self,
        progress: Progress,
        name: str,
        directory: Path = REPO / "build",
        minor: str = DEFAULT_KUBERNETES,
    ) -> None:
        super().__init__(progress, str(directory / f"kind-{name}.kubeconfig"))
        self.name = name
        self._node = nodes()[minor]
        self._directory = directory
        self._config = directory / f"kind-{name}.yaml"

    def prepare(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        exists = self.name in output(["kind", "get", "clusters"]).split()
        if exists and not self.ours():
            raise LabError(
                f"kind has a cluster {self.name} that scripts/up did not make: take another "
                f"--lab NAME, or remove it: kind delete cluster --name {self.name}"
            )
        if not exists:
            self._create()
        with self.progress.task(f"building {SYNCER_TAG} with Docker") as task:
            self._build(task.note)
        self.images = str(tree_digest(REPO / "syncer"))

    def ours(self) -> bool:
        return Path(self.kubeconfig).exists()

    def remove(self) -> None:
        run(["kind", "delete", "cluster", "--name", self.name, "--kubeconfig", self.kubeconfig])
        Path(self.kubeconfig).unlink(missing_ok=True)
        self._config.unlink(missing_ok=True)

    def _create(self) -> None:
        self._config.write_text(config(self._node))
        create = ["kind", "create", "cluster", "--name", self.name, "--wait", "2m"]
        create += ["--config", str(self._config), "--kubeconfig", self.kubeconfig]
        with self.progress.task("creating a kind cluster") as task:
            run(create, on_line=task.note)

    def _build(self, note: Callable[[str], None]) -> None:
        context = self._directory / "syncer-context"
        shutil.rmtree(context, ignore_errors=True)
        shutil.copytree(REPO / "syncer", context / "syncer")
        (context / "wheels").mkdir()  # empty: with a network, pip fetches what the lock names
        dockerfile = REPO / "syncer" / "Dockerfile"
        run(["docker", "build", "--tag", SYNCER_TAG, "--file", dockerfile, context], on_line=note)
        run(["kind", "load", "docker-image", "--name", self.name, SYNCER_TAG], on_line=note)


def _answers(*command: str) -> bool:
    try:
        subprocess.run(command, capture_output=True, timeout=_PATIENCE, check=True)
    except (OSError, subprocess.SubprocessError):
        return False
    return True
