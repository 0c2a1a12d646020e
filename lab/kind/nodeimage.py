"""The node image of kind, made from source where none can be pulled: kind's own builder makes it.

It wants what a release of Kubernetes has (`kubernetes-server.tar.gz`: programs and images) and
pulls every image that is not in there. So all are: the lab's own, under the names that are wanted.
"""

from __future__ import annotations

import os
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab import debootstrap, gobuild, images, versions
from lab.buildah import Image, Recipe, build
from lab.cache import Cache, digest
from lab.errors import LabError
from lab.kind import archives, base, programs
from lab.progress import Task
from lab.run import output, run

_REGISTRY = "registry.k8s.io"
_STATIC = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
_PROXY = "kube-proxy"
_FILES = (*_STATIC, _PROXY)
# With libraries, which iptables' modules need as well: without libm no Service of two pods works.
_PROXY_PACKAGES = "iptables,conntrack,kmod"


@dataclass(frozen=True)
class NodeImage:
    """The node image of one Kubernetes minor."""

    cache: Cache
    minor: str
    environment: Mapping[str, str] = field(default_factory=dict)
    """How `docker` and kind reach the Engine."""

    @property
    def name(self) -> str:
        """Return its name in the Engine; what it is made of is part of it."""
        version = versions.kubernetes(self.minor).version
        return f"localhost/kind-node:{version}-{self.key()}"

    def key(self) -> str:
        """Return the key of everything that decides what comes out."""
        parts = {name: recipe.key() for name, recipe in self.recipes().items()}
        of_node = [program.key() for program in programs.of_node(self.minor)]
        kubernetes = gobuild.kubernetes(self.minor).key()
        start = base.recipe(self.cache).key()
        return digest(gobuild.KIND.key(), start, kubernetes, of_node, parts)[:12]

    def ensure(self) -> str:
        """Return its name, when the Engine has it."""
        if not self._there():
            directory = self.cache.entry(
                "kind-node", self.key(), f"building {self.name} with kind", self._build
            )
            if not self._there():
                with self.cache.progress.task(f"loading {self.name}") as task:
                    archive = directory / "image.tar"
                    run(["docker", "load", "-i", archive], env=self.environment, on_line=task.note)
        return self.name

    def recipes(self) -> Mapping[str, Recipe]:
        """Return part → image, for all that a cluster runs by itself."""
        kubernetes = gobuild.kubernetes(self.minor)
        return {
            **{name: self._component(name, kubernetes, name) for name in _STATIC},
            _PROXY: self._component(_PROXY, kubernetes, _PROXY, _with_iptables()),
            "etcd": self._component("etcd", programs.ETCD, "server"),
            "coredns": images.coredns(self.cache, self.minor),
            "pause": images.pause(versions.DEFAULT_KUBERNETES),
            # kind installs its own network unless it is told not to; the lab's nodes have another.
            "kindnetd": images.pause(versions.DEFAULT_KUBERNETES),
            "local-path-provisioner": images.local_path(self.cache),
            "local-path-helper": images.busybox(),
        }

    def prepare(self) -> None:
        """Build everything that no Engine is needed for."""
        for recipe in (base.recipe(self.cache), *self.recipes().values()):
            build(self.cache, recipe)
        for program in programs.of_node(self.minor):
            gobuild.build(self.cache, program)

    def _there(self) -> bool:
        look = ["docker", "image", "inspect", self.name]
        env = {**os.environ, **self.environment}
        return subprocess.run(look, env=env, capture_output=True, check=False).returncode == 0

    def _build(self, target: Path, task: Task) -> None:
        self.prepare()
        start = build(self.cache, base.recipe(self.cache))
        task.note(f"loading {start.tag}")
        run(["docker", "load", "-i", start.archive], env=self.environment)
        server = target / "kubernetes-server.tar.gz"
        task.note("packing what a release has")
        self._pack(server, target / "server")
        kind = gobuild.build(self.cache, gobuild.KIND) / "kind"
        command = ["build", "node-image", "--type", "file", "--base-image", start.tag]
        run([kind, *command, "--image", self.name, server], env=self.environment, on_line=task.note)
        server.unlink()
        task.note("writing the archive")
        archive = target / "image.tar"
        run(["docker", "save", "--output", archive, self.name], env=self.environment)

    def _pack(self, server: Path, scratch: Path) -> None:
        """Write the archive of a release: three programs, four images with all others in one."""
        scratch.mkdir()
        binaries = gobuild.build(self.cache, gobuild.kubernetes(self.minor))
        kubeadm = gobuild.build(self.cache, programs.kubeadm(self.minor)) / "kubeadm"
        built = {part: build(self.cache, recipe) for part, recipe in self.recipes().items()}
        version = versions.kubernetes(self.minor).version
        named = named_images(wanted(kubeadm, version), built)
        for part in _FILES:
            # The first has, beside its own, the images that no file of a release is called like.
            extra = [] if part != _FILES[0] else [n for n in named if part_of(n) not in _FILES]
            names = [name for name in named if part_of(name) == part] + extra
            archives.join({name: named[name] for name in names}, scratch / f"{part}.tar")
        (scratch / "version").write_text(version)
        with tarfile.open(server, "w:gz", compresslevel=0) as tar:
            tar.add(scratch / "version", "kubernetes/version")
            place = "kubernetes/server/bin"
            for path in (kubeadm, binaries / "kubelet", binaries / "kubectl"):
                tar.add(path, f"{place}/{path.name}")
            for part in _FILES:
                tar.add(scratch / f"{part}.tar", f"{place}/{part}.tar")
                (scratch / f"{part}.tar").unlink()
        (scratch / "version").unlink()
        scratch.rmdir()

    def _component(
        self, name: str, program: gobuild.Program, file: str, start: Recipe | None = None
    ) -> Recipe:
        def fill(context: Path, _task: Task) -> None:
            built = gobuild.build(self.cache, program) / file
            images.place_copy(built, context / "rootfs" / "usr" / "local" / "bin" / name)

        tag = f"localhost/kind-{name}:{program.version}"
        dockerfile = base.IMAGES / "kind-component" / "Dockerfile"
        return Recipe(tag, dockerfile, (program.key(), name), fill, base=start)


def wanted(kubeadm: Path, version: str) -> list[str]:
    """Return the names of all images that kind's builder would else pull."""
    command = ("config", "images", "list", "--kubernetes-version", version)
    listed = output([kubeadm, *command]).split()
    own = base.constants(gobuild.KIND.module_source(base.MODULE)).values()
    # Of kubeadm's the pause image is not taken: containerd's configuration names it.
    return sorted({*(name for name in listed if part_of(name) != "pause"), *own})


def part_of(name: str) -> str:
    """Return the part of a cluster that an image is, by its name."""
    return name.rpartition("/")[2].partition(":")[0]


def named_images(names: list[str], built: Mapping[str, Image]) -> dict[str, Path]:
    """Return wanted name → archive, or say which image nobody has."""
    if lacking := [name for name in names if part_of(name) not in built]:
        raise LabError(f"kind wants images that lab/kind/nodeimage.py does not make: {lacking}")
    return {name: built[part_of(name)].archive for name in names}


def _with_iptables() -> Recipe:
    def fill(context: Path, task: Task) -> None:
        debootstrap.pack(debootstrap.make(context, _PROXY_PACKAGES, task), context, task)

    key = (debootstrap.SUITE, _PROXY_PACKAGES, debootstrap.USELESS)
    return Recipe("localhost/iptables:lab", base.IMAGES / "kind-debian" / "Dockerfile", key, fill)
