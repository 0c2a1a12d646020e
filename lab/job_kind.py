"""A host cluster of kind: of a published node image, or of our own where none can be pulled."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lab import gobuild, images, packages, versions
from lab.assets import Assets
from lab.buildah import Image, build
from lab.cache import digest, tree_digest
from lab.docker import network
from lab.docker.engine import Engine, answers
from lab.errors import LabError
from lab.images import SYNCER_TAG
from lab.job_base import Host
from lab.kind import cni
from lab.kind.cluster import config, has_own_network, nodes
from lab.kind.nodeimage import NodeImage
from lab.paths import REPO
from lab.progress import Progress
from lab.registry import DEFAULT_NODES
from lab.run import output, run
from lab.versions import DEFAULT_KUBERNETES


class Source:
    """What a cluster is made of where nothing can be pulled: built here, like a lab."""

    def __init__(self, progress: Progress, minor: str) -> None:
        self._assets = Assets(progress, minor)
        self._minor = minor
        self._progress = progress

    def kind(self) -> str:
        """Return the path of the kind that made the node image."""
        return str(gobuild.build(self._assets.cache, gobuild.KIND) / "kind")

    def node(self, docker: Mapping[str, str]) -> str:
        """Return the node image, when the Engine that `docker` reaches has it."""
        if os.geteuid() != 0:
            raise LabError("a node image is made as root only: images are built without an Engine")
        packages.ensure(self._progress)
        return NodeImage(self._assets.cache, self._minor, docker).ensure()

    def images(self, minors: Sequence[str]) -> list[Image]:
        """Return the product's images and what its tests run, with k3s of these minors as well."""
        shell = build(self._assets.cache, images.busybox())
        others = self._assets.virtual_images([each for each in minors if each != self._minor])
        return [shell, *self._assets.product_images(), *others]


def obstacle(minor: str = DEFAULT_KUBERNETES) -> str | None:
    """Return why kind is not the host by itself, None if it is: what it takes must be there."""
    if shutil.which("kind") is None:
        return "kind is not installed"
    if not answers():
        return "no Docker engine answers (docker info)"
    published = nodes()[minor]
    if not pulled(published.image, os.environ):
        return f"no registry answers for {published.tag} (docker pull)"
    return None


def pulled(image: str, docker: Mapping[str, str]) -> bool:
    """Tell whether the Engine has an image, after it was asked to pull it.

    By the Engine and not by `docker manifest inspect`, which asks the public registry even where
    the Engine has a mirror.
    """
    for command in (("image", "inspect"), ("pull", "--quiet")):
        done = subprocess.run(
            ["docker", *command, image], env={**docker}, capture_output=True, check=False
        )
        if done.returncode == 0:
            return True
    return False


class Kind(Host):
    """A cluster of kind with the images of the working tree."""

    def __init__(
        self,
        progress: Progress,
        name: str,
        directory: Path = REPO / "build",
        minor: str = DEFAULT_KUBERNETES,
        *,
        minors: Sequence[str] = (),
        source: Source | None = None,
        engine: Engine | None = None,
    ) -> None:
        """`minors` are those whose k3s it needs as well, where k3s cannot be pulled."""
        super().__init__(progress, str(directory / f"kind-{name}.kubeconfig"))
        self.name = name
        self._minor = minor
        self._minors = minors
        self._directory = directory
        self._config = directory / f"kind-{name}.yaml"
        self._loaded = directory / f"kind-{name}.images.json"
        self._engine = engine or Engine(progress)
        self._source = source or Source(progress, minor)

    def prepare(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        docker = self._docker()
        kind = self._kind()
        exists = self.name in output([kind, "get", "clusters"], env=docker).split()
        if exists and not self.begun:
            raise LabError(
                f"kind has a cluster {self.name} that scripts/up did not make: take another "
                f"--lab NAME, or remove it: kind delete cluster --name {self.name}"
            )
        if exists and Path(self.kubeconfig).exists():
            self._wake(docker)
        else:
            if exists:  # the one who made it was killed half-way
                run([kind, "delete", "cluster", "--name", self.name], env=docker)
            self._create(docker)
        if has_own_network(self._config.read_text()):
            kubectl, kubeconfig = self.tool("kubectl"), Path(self.kubeconfig)
            cni.up(kubectl, kubeconfig, docker, DEFAULT_NODES)
            self._load(docker)  # meanwhile CoreDNS starts: it waits for kube-proxy for a while
            with self.progress.task("the cluster's own pods", quiet=True):
                cni.settled(kubectl, kubeconfig)
        else:
            with self.progress.task(f"building {SYNCER_TAG} with Docker") as task:
                self._build(docker, task.note)
            self.images = str(tree_digest(REPO / "syncer"))
        self.progress.say(f"host: kind's cluster {self.name}, {self._config}")

    @property
    def begun(self) -> bool:
        """Tell whether `prepare` has made this cluster, or got half-way."""
        return self._config.exists()

    def ours(self) -> bool:
        return self.begun or self._engine.for_up

    def remove(self) -> None:
        if self._engine.for_up and not self._others():
            self._engine.down()
            self.progress.say("the Docker Engine is gone, with all that ran in it")
        elif self._engine.runs() or answers():
            delete = ["delete", "cluster", "--name", self.name, "--kubeconfig", self.kubeconfig]
            run([self._kind(), *delete], env=self._environment())
        for file in (Path(self.kubeconfig), self._config, self._loaded):
            file.unlink(missing_ok=True)

    def _others(self) -> set[str]:
        """Return the containers of our own Engine that are no nodes of this cluster."""
        if not self._engine.runs():
            return set()
        listed = [self._kind(), "get", "nodes", "--name", self.name]
        return {*self._engine.busy()} - {*output(listed, env=self._environment()).split()}

    def _environment(self) -> dict[str, str]:
        """Return how the Engine is reached: our own, once there is one, else the caller's."""
        return {**os.environ, **(self._engine.environment if self._engine.exists else {})}

    def _docker(self) -> dict[str, str]:
        """Return the same, after an Engine was started if none answered."""
        if self._engine.exists or not answers():
            self._engine.up(for_up=True)
        return self._environment()

    def _kind(self) -> str:
        return "kind" if shutil.which("kind") else self._source.kind()

    def _wake(self, docker: Mapping[str, str]) -> None:
        """Start nodes that a restart of the machine ended; the API may have another port then."""
        kind = self._kind()
        names = output([kind, "get", "nodes", "--name", self.name], env=docker).split()
        output(["docker", "start", *names], env=docker)
        export = ["export", "kubeconfig", "--name", self.name, "--kubeconfig", self.kubeconfig]
        run([kind, *export], env=docker)

    def _create(self, docker: Mapping[str, str]) -> None:
        kind, published = self._kind(), nodes()[self._minor]
        address = str(network.ADDRESS) if self._engine.exists else ""
        with self.progress.task(f"looking for {published.tag}", quiet=True):
            found = pulled(published.image, docker)
        if found:
            text = config(published.image, address=address)
        else:
            self.progress.say(f"{published.tag} cannot be pulled: a node image is built")
            kind = self._source.kind()
            kubelet = versions.kubernetes(self._minor).kubelet
            image = self._source.node(docker)
            text = config(image, address=address, own_network=True, kubelet=kubelet)
        self._config.write_text(text)
        self._loaded.unlink(missing_ok=True)
        create = [kind, "create", "cluster", "--name", self.name]
        create += ["--config", str(self._config), "--kubeconfig", self.kubeconfig]
        # Without a network no node becomes ready; it comes next.
        create += ["--wait", "2m"] if found else []
        with self.progress.task("creating a kind cluster") as task:
            run(create, env=docker, on_line=task.note)

    def _load(self, docker: Mapping[str, str]) -> None:
        """Put into every node what it cannot pull and has not yet."""
        kind = self._source.kind()
        built = self._source.images(self._minors)
        try:
            there = json.loads(self._loaded.read_text())
        except FileNotFoundError:
            there = {}
        for image in built:
            if there.get(image.tag) == image.key:
                continue
            with self.progress.task(f"loading {image.tag} into the nodes"):
                load = [kind, "load", "image-archive", "--name", self.name]
                run([*load, str(image.archive)], env=docker)
            there[image.tag] = image.key
            self._loaded.write_text(json.dumps(there))
        self.images = digest([image.key for image in built])

    def _build(self, docker: Mapping[str, str], note: Callable[[str], None]) -> None:
        context = self._directory / "syncer-context"
        shutil.rmtree(context, ignore_errors=True)
        shutil.copytree(REPO / "syncer", context / "syncer")
        (context / "wheels").mkdir()  # empty: with a network, pip fetches what the lock names
        dockerfile = REPO / "syncer" / "Dockerfile"
        command = ["docker", "build", "--tag", SYNCER_TAG, "--file", str(dockerfile)]
        run([*command, str(context)], env=docker, on_line=note)
        load = [self._kind(), "load", "docker-image", "--name", self.name, SYNCER_TAG]
        run(load, env=docker, on_line=note)
