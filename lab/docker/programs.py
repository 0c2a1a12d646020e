"""Docker's programs: Debian's package, unpacked beside the machine's own and not installed.

Installed, it would start an Engine for the whole machine where there is an init system, which
changes the machine's firewall. It is fetched once; a newer one when the cache is emptied.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from lab import packages
from lab.cache import Cache, digest
from lab.errors import LabError
from lab.progress import Progress, Task
from lab.run import output, run

_PACKAGE = "docker.io"
_NEEDED = {  # what it depends on, and what the Engine's network is made with
    "/usr/sbin/iptables": "iptables",
    "/lib/*/libdevmapper.so.1.02.1": "libdevmapper1.02.1",
    "/lib/*/libsystemd.so.0": "libsystemd0",
    "containerd": "containerd",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "runc": "runc",
    "sysctl": "procps",
}


def directory(progress: Progress) -> Path:
    """Return a directory for PATH with dockerd, docker-proxy and docker."""
    packages.ensure(progress, _NEEDED)

    def builder(target: Path, task: Task) -> None:
        if shutil.which("apt-get") is None:
            raise LabError(f"no apt-get for Debian's {_PACKAGE}: start a Docker Engine yourself")
        fetch = ["apt-get", "download", _PACKAGE]
        try:
            run(fetch, cwd=target, on_line=task.note)
        except LabError:  # package lists that are missing or out of date
            run(["apt-get", "update"], on_line=task.note)
            run(fetch, cwd=target, on_line=task.note)
        (package,) = target.glob("*.deb")
        output(["dpkg-deb", "-x", package, target / "root"])
        package.unlink()
        for name in ("usr/sbin/dockerd", "usr/sbin/docker-proxy", "usr/bin/docker"):
            (target / Path(name).name).symlink_to(Path("root") / name)
        output([target / "dockerd", "--version"])  # all libraries are there

    key = digest(_PACKAGE, os.uname().machine)
    what = f"fetching Debian's {_PACKAGE}"
    return Cache(progress).entry("docker-engine", key, what, builder)
