"""The images of virtual clusters: the stand-in for k3s of any minor, and the CoreDNS that it runs.

They have the names that users' values and k3s' manifests have.
"""

from __future__ import annotations

import re
from pathlib import Path

from lab import gobuild
from lab.buildah import Recipe, place
from lab.cache import Cache, file_digest
from lab.errors import LabError
from lab.images import BUSYBOX, coredns
from lab.paths import REPO
from lab.progress import Task

PRESETS = REPO / "charts" / "virtualcluster" / "values"
COMPONENTS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")


def tag(minor: str) -> str:
    """Return the name of the k3s image that the chart's preset for a minor names."""
    try:
        text = (PRESETS / f"{minor}.yaml").read_text()
    except FileNotFoundError:
        known = ", ".join(sorted(path.stem for path in PRESETS.glob("*.yaml")))
        raise LabError(f"the chart has no preset for k3s {minor}; known: {known}") from None
    found = re.search(r"^  image: (\S+)$", text, re.MULTILINE)
    if found is None:
        raise LabError(f"the chart's preset for {minor} names no image")
    return found[1]


def k3s(cache: Cache, minor: str) -> Recipe:
    """Return the stand-in for k3s, under the name of the real one."""
    kubernetes, front = gobuild.kubernetes(minor), gobuild.K3S_FRONT

    def fill(context: Path, _task: Task) -> None:
        place(gobuild.build(cache, front) / "k3s", context / "bin" / "k3s")
        children = context / "children" / minor
        binaries = gobuild.build(cache, kubernetes)
        for name in COMPONENTS:
            place(binaries / name, children / name)
        place(gobuild.build(cache, gobuild.KINE) / "kine", children / "kine")
        place(BUSYBOX, context / "bin" / "busybox")

    inputs = (kubernetes.key(), front.key(), gobuild.KINE.key(), file_digest(BUSYBOX))
    # A tag cannot have the plus sign that the version has.
    args = {"K3S_VERSION": tag(minor).partition(":")[2].replace("-", "+")}
    return Recipe(tag(minor), front.directory / "Dockerfile", inputs, fill, args=args)


def recipes(cache: Cache, minor: str) -> list[Recipe]:
    """Return all that a virtual cluster of a minor runs by itself."""
    return [k3s(cache, minor), coredns(cache, minor)]
