"""The cluster that the chart is tried on: a lab or kind of its version, or KUBECONFIG's."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab import images, job_kind, k3simages, registry, teardown
from lab.assets import Assets
from lab.buildah import Image
from lab.cache import locked
from lab.check import check
from lab.cli import bring_up
from lab.docker.engine import Engine
from lab.lab import Lab
from lab.paths import REPO
from lab.progress import Progress
from lab.run import output
from tests.hosts import presets

_K3S = presets.image(max(presets.minors(), key=presets.order)).partition(":")[0]


@dataclass(frozen=True)
class Host:
    """A cluster, and the images under which it has the product."""

    minor: str
    kubeconfig: Path
    syncer: str = ""
    """The syncer's image, if it is not the one that the chart names."""
    k3s: str = ""
    """The k3s image, if it is not the one of the preset."""
    earlier: str = ""
    """The minor before this one, if the host has its k3s too, under the name in its preset."""

    @property
    def settings(self) -> list[str]:
        """Return the values that no file may hold: the names of this host's images."""
        named = {"syncer.image": self.syncer, "virtualCluster.image": self.k3s}
        return [f"--set={key}={value}" for key, value in named.items() if value]

    @property
    def environment(self) -> dict[str, str]:
        """Return the same for the end-to-end tests, and how they reach the host."""
        named = {"VC_E2E_SYNCER_IMAGE": self.syncer, "VC_E2E_K3S_IMAGE": self.k3s}
        return {"KUBECONFIG": str(self.kubeconfig), "VC_E2E_EXTRAS": "", **named}

    def as_given(self) -> contextlib.AbstractContextManager[Host]:
        """Return a context that leaves the cluster as it is."""
        return contextlib.nullcontext(self)


@contextlib.contextmanager
def lab(
    progress: Progress, name: str, minor: str, *, k3s: str, earlier: str, keep: bool
) -> Iterator[Host]:
    """Provide a lab that works, with the images of the working tree; remove it afterwards.

    `k3s` is the minor of the virtual clusters, if it is not the host's; `earlier` one whose k3s the
    lab has too. Either may be empty. A lab that was there before is brought up to date and stays.
    """
    stays = keep or registry.find(name) is not None
    try:
        made, built = bring_up(progress, name, minor)
        assets = Assets(progress, minor)
        kubectl = assets.tools(tests=False) / "kubectl"
        check(kubectl, made.kubeconfig, made.registration.kubernetes.version, progress.say)
        for other in filter(None, (k3s, earlier)):
            made.load(k3simages.images(assets.cache, other))
        host = dataclasses.replace(of_lab(minor, made.kubeconfig, built), earlier=earlier)
        yield dataclasses.replace(host, k3s=presets.image(k3s)) if k3s else host
    finally:
        found = registry.find(name)
        if found is not None and not stays:
            with locked(found.lock):
                teardown.down(Lab(found, progress))


@contextlib.contextmanager
def kind(
    progress: Progress,
    name: str,
    minor: str,
    *,
    k3s: str,
    earlier: str,
    keep: bool,
    directory: Path = REPO / "build",
    engine: Engine | None = None,
) -> Iterator[Host]:
    """Provide a cluster of kind, which has the working tree's syncer by its name.

    It pulls its node image and k3s, or has both from this machine (`lab/job_kind.py`).
    """
    minors = list(filter(None, (k3s, earlier)))
    cluster = job_kind.Kind(
        progress, f"{name}-{minor}", directory, minor, minors=minors, engine=engine
    )
    stays = keep or cluster.begun
    try:
        cluster.prepare()
        image = presets.image(k3s) if k3s else ""
        yield Host(minor, Path(cluster.kubeconfig), k3s=image, earlier=earlier)
    finally:
        if cluster.ours() and not stays:
            cluster.remove()


def of_lab(minor: str, kubeconfig: Path, built: list[Image]) -> Host:
    """Return the host that a lab with these images is."""
    tags = [image.tag for image in built]
    syncer = next(tag for tag in tags if tag.partition(":")[0] == _name(images.SYNCER_TAG))
    k3s = [tag for tag in tags if tag.partition(":")[0] == _K3S]
    wanted = presets.image(minor)
    return Host(
        minor,
        kubeconfig,
        syncer="" if syncer == images.SYNCER_TAG else syncer,
        k3s="" if wanted in k3s else k3s[0],
    )


def given(kubeconfig: str) -> Host:
    """Return the cluster of a kubeconfig, which has or pulls the images that the chart names."""
    version = output(["kubectl", "version", "-o=json"], env={"KUBECONFIG": kubeconfig})
    server = json.loads(version)["serverVersion"]["gitVersion"]
    return Host(".".join(server.removeprefix("v").split(".")[:2]), Path(kubeconfig))


def _name(tag: str) -> str:
    return tag.partition(":")[0]
