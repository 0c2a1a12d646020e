"""The image that kind's builder starts from, made like all images of the lab.

kind's own files (units, the entrypoint, containerd's configuration) come out of its Go module when
the image is built; only what must be otherwise on machines like this is changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from lab import debootstrap, gobuild
from lab.buildah import Recipe
from lab.cache import Cache, file_digest
from lab.errors import LabError
from lab.images import place_copy
from lab.kind import programs
from lab.paths import LAB_SOURCE
from lab.progress import Task

IMAGES = LAB_SOURCE / "images"
MODULE = "sigs.k8s.io/kind"
_PACKAGES = (
    *("systemd", "kmod", "util-linux", "mount", "procps", "e2fsprogs", "ca-certificates"),
    *("conntrack", "ethtool", "iproute2", "iptables", "nftables", "socat"),
    *("curl", "jq", "pigz", "runc"),
)
_CNI = Path("/usr/lib/cni")  # of Debian's containernetworking-plugins
_PLUGINS = ("host-local", "loopback", "portmap", "ptp")
_CONFIG = "etc/containerd/config.toml"
_EXECUTABLE = ("kind/bin/", "usr/local/bin/")


def recipe(cache: Cache) -> Recipe:
    """Return kind's base image."""

    def fill(context: Path, task: Task) -> None:
        task.note("kind's own files")
        source = gobuild.KIND.module_source(MODULE) / "images" / "base" / "files"
        for path in (each for each in source.rglob("*") if each.is_file()):
            name = path.relative_to(source).as_posix()
            target = context / "files" / name
            place_copy(path, target)
            target.chmod(0o755 if name.startswith(_EXECUTABLE) else 0o644)
        config = context / "files" / _CONFIG
        config.write_text(tolerant(config.read_text()))
        for name, path in _binaries(cache).items():
            place_copy(path, context / "files" / name)

    inputs = (
        *(program.key() for program in (gobuild.KIND, programs.CONTAINERD, programs.CRICTL)),
        *(file_digest(_CNI / name) for name in _PLUGINS),
    )
    dockerfile = IMAGES / "kind-base" / "Dockerfile"
    return Recipe("localhost/kind-base:lab", dockerfile, inputs, fill, base=debian())


def debian() -> Recipe:
    """Return Debian with the packages of a node."""
    names = ",".join(_PACKAGES)

    def fill(context: Path, task: Task) -> None:
        debootstrap.pack(debootstrap.make(context, names, task), context, task)

    key = (debootstrap.SUITE, names, debootstrap.USELESS)
    return Recipe("localhost/kind-debian:lab", IMAGES / "kind-debian" / "Dockerfile", key, fill)


def tolerant(config: str) -> str:
    """Return containerd's configuration with scores that are not lowered where that is refused."""
    changed, count = re.subn(
        r"^(\s*restrict_oom_score_adj = )false$", r"\1true", config, flags=re.MULTILINE
    )
    if count != 1:
        raise LabError(f"kind's {_CONFIG} has no line restrict_oom_score_adj = false any more")
    return changed


def sandbox(config: str) -> str:
    """Return the image of pods' sandboxes that containerd's configuration names."""
    found = re.search(r'^\s*sandbox_image = "([^"]+)"', config, re.MULTILINE)
    if found is None:
        raise LabError(f"kind's {_CONFIG} names no sandbox_image any more")
    return found[1]


def constants(source: Path) -> Mapping[str, str]:
    """Return name → image of those that kind's builder wants beside kubeadm's.

    `source` is kind's module. They are Go constants that no command prints.
    """
    config = (source / "images" / "base" / "files" / _CONFIG).read_text()
    found = {"sandbox": sandbox(config)}
    for file in sorted((source / "pkg" / "build" / "nodeimage").glob("const_*.go")):
        pattern = r'^const (\w+Image) = "([^"]+)"'
        found |= dict(re.findall(pattern, file.read_text(), re.MULTILINE))
    return found


def _binaries(cache: Cache) -> Mapping[str, Path]:
    containerd, crictl = (
        gobuild.build(cache, each) for each in (programs.CONTAINERD, programs.CRICTL)
    )
    return {
        **{f"usr/local/bin/{path.name}": path for path in containerd.iterdir()},
        "usr/local/bin/crictl": crictl / "crictl",
        **{f"opt/cni/bin/{name}": _CNI / name for name in _PLUGINS},
    }
