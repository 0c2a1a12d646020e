"""A registry of Debian's, from which the nodes pull: an open door and one with a password.

Nodes know its two names by files of their container runtime, not by DNS, and speak plain HTTP to
it. It has the images that a virtual cluster brings along, under the paths of their public names.
"""

from __future__ import annotations

import http.client
from pathlib import Path

from lab import buildah, debootstrap, gobuild, images, k3simages
from lab.assets import Assets
from lab.buildah import Image, Recipe
from lab.cache import Cache
from lab.configs import registries
from lab.lab import Lab
from lab.paths import LAB_SOURCE
from lab.progress import Task
from lab.run import run

TAG = "registry:2.8"
OPEN, PRIVATE = "open.registry.test", "private.registry.test"
PORTS = {OPEN: 5000, PRIVATE: 5001}
_PACKAGES = "docker-registry"


def recipes(_cache: Cache) -> list[Recipe]:
    """Return its image."""

    def fill(context: Path, task: Task) -> None:
        debootstrap.pack(debootstrap.make(context, _PACKAGES, task), context, task)

    dockerfile = LAB_SOURCE / "images" / "registry" / "Dockerfile"
    return [Recipe(TAG, dockerfile, (debootstrap.SUITE, _PACKAGES, debootstrap.USELESS), fill)]


def furnish(lab: Lab, assets: Assets) -> None:
    """Tell every node where the registry is, and push what is not in it."""
    address = str(lab.registration.addresses.node(1))
    for number in lab.numbers:
        for name, port in PORTS.items():
            _introduce(registries(lab.state / f"node-{number}") / name, f"{address}:{port}")
    door = f"{address}:{PORTS[OPEN]}"
    for image in _stock(assets):
        _push(lab, assets.cache, door, image)


def _stock(assets: Assets) -> list[Image]:
    own = (images.busybox(), images.syncer(assets.cache))
    brought = k3simages.images(assets.cache, assets.minor)
    return [*(buildah.build(assets.cache, recipe) for recipe in own), *brought]


def _introduce(directory: Path, address: str) -> None:
    """Write what containerd reads at each pull from a registry of the directory's name."""
    directory.mkdir(parents=True, exist_ok=True)
    server = f"http://{address}"
    capabilities = '  capabilities = ["pull", "resolve"]'
    text = f'server = "{server}"\n[host."{server}"]\n{capabilities}\n'
    (directory / "hosts.toml").write_text(text)


def _push(lab: Lab, cache: Cache, door: str, image: Image) -> None:
    # Under its key too: whether just this one is there, without packing its layers again.
    path, _, _ = image.tag.rpartition(":")
    if _has(door, path, image.key):
        return
    crane = gobuild.build(cache, gobuild.CRANE) / "crane"
    with lab.progress.task(f"pushing {image.tag}", quiet=True) as task:
        name = f"{door}/{image.tag}"
        run([crane, "push", "--insecure", image.archive, name], on_line=task.note)
        run([crane, "tag", "--insecure", name, image.key])


def _has(door: str, path: str, tag: str) -> bool:
    connection = http.client.HTTPConnection(door, timeout=10)
    try:
        accept = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}
        connection.request("HEAD", f"/v2/{path}/manifests/{tag}", headers=accept)
        return connection.getresponse().status == 200
    finally:
        connection.close()
