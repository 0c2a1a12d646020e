"""The Debian packages that the lab's programs come from."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from lab.errors import LabError
from lab.progress import Progress
from lab.run import run

# What must exist → the package that brings it. Not crun: it refuses hybrid cgroups.
_NEEDED = {
    "/usr/sbin/iptables": "iptables",
    "/usr/bin/busybox": "busybox-static",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "/etc/containers/policy.json": "golang-github-containers-common",
    "buildah": "buildah",
    "conntrack": "conntrack",
    "containerd": "containerd",
    "debootstrap": "debootstrap",
    "ethtool": "ethtool",
    "gcc": "gcc",
    "/usr/include/stdio.h": "libc6-dev",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "runc": "runc",
    "socat": "socat",
    "sysctl": "procps",
}
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def missing(needed: Mapping[str, str] = _NEEDED) -> list[str]:
    """Return the packages of which something is not there."""
    return sorted({package for need, package in needed.items() if not _have(need)})


def ensure(progress: Progress, needed: Mapping[str, str] = _NEEDED) -> None:
    """Install what is missing, or name it when that cannot be done."""
    packages = missing(needed)
    if not packages:
        return
    cure = f"apt-get install {' '.join(packages)}"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise LabError(f"missing Debian packages; as root: {cure}")
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    with progress.task(f"installing {', '.join(packages)}") as task:
        try:
            run(install, env=env, on_line=task.note)
        except LabError:  # package lists that are missing or out of date
            run(["apt-get", "update"], env=env, on_line=task.note)
            run(install, env=env, on_line=task.note)
    if left := missing(needed):
        raise LabError(f"installed, but something of {left} is still missing")


def _have(need: str) -> bool:
    if need.startswith("/"):
        return any(Path("/").glob(need.lstrip("/")))
    return shutil.which(need, path=f"{os.environ.get('PATH', '')}:{_PATH}") is not None
