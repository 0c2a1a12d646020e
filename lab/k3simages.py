"""The images of virtual clusters: k3s of any minor, and the CoreDNS that it runs.

k3s is the real one where VC_K3S_ARCHIVES has it (realk3s.py), else the stand-in. Both have the
names that users' values and k3s' manifests have.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from lab import gobuild, realk3s
from lab.buildah import Image, Recipe, build, place
from lab.cache import Cache, file_digest
from lab.errors import LabError
from lab.images import BUSYBOX, coredns
from lab.paths import REPO
from lab.progress import Task
from lab.versions import COREDNS_OF_RELEASES

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


def image(cache: Cache, minor: str, named: str = "") -> Image:
    """Return the k3s of a minor, the real one if it is given; `named` if not as its preset has it.

    This is the one place where that is chosen.
    """
    wanted = tag(minor)
    real = realk3s.instead_of(wanted)
    if real is not None:
        return real.image(cache, named or wanted)
    recipe = k3s(cache, minor)
    return build(cache, dataclasses.replace(recipe, tag=named) if named else recipe)


def images(cache: Cache, minor: str) -> list[Image]:
    """Return all that a virtual cluster of a minor runs by itself."""
    real = realk3s.instead_of(tag(minor))
    dns = COREDNS_OF_RELEASES.get(real.version, "") if real else ""
    recipe = coredns(cache, minor)
    recipe = dataclasses.replace(recipe, tag=dns) if dns else recipe
    return [image(cache, minor), build(cache, recipe)]


def key(cache: Cache, minor: str) -> str:
    """Return the key of the k3s of a minor, without building it."""
    real = realk3s.instead_of(tag(minor))
    return real.key(tag(minor)) if real else k3s(cache, minor).key()


def origin(minor: str) -> str:
    """Return what the k3s of a minor is, in the words of every table: `real v1.18.6+k3s1`."""
    real = realk3s.instead_of(tag(minor))
    return f"real {real.version}" if real else "stand-in"


def made_on(minor: str) -> str:
    """Return what stands above tables and figures: on which k3s they were made."""
    return f"k3s {minor}: {origin(minor)}"


def remarks() -> list[str]:
    """Return what to say about the images of VC_K3S_ARCHIVES that are not as presets name them."""
    return realk3s.remarks([tag(path.stem) for path in sorted(PRESETS.glob("*.yaml"))])
