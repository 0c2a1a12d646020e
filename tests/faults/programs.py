"""What the run needs built; all of it is what labs are made of, in the same cache."""

from __future__ import annotations

import sysconfig
from pathlib import Path
from typing import NamedTuple

from lab import gobuild, k3simages, packages, realk3s
from lab.assets import Assets
from lab.progress import Progress
from lab.versions import DEFAULT_KUBERNETES
from tests.contract import rootfs

FAKETIME = Path(f"/usr/lib/{sysconfig.get_config_var('MULTIARCH')}/faketime/libfaketime.so.1")


class Programs(NamedTuple):
    """Where the programs are."""

    kubernetes: Path
    kine: Path
    k3s: Path
    """k3s itself, a file: the stand-in, or a real one."""
    tools: Path
    k3s_version: str


def built(progress: Progress) -> Programs:
    """Return them, building what is missing."""
    assets = Assets(progress, DEFAULT_KUBERNETES)
    tag = k3simages.tag(DEFAULT_KUBERNETES)
    version = tag.partition(":")[2].replace("-", "+")
    real = realk3s.instead_of(tag)
    if real is None:
        program = gobuild.build(assets.cache, gobuild.K3S_FRONT) / "k3s"
    else:
        program = rootfs.unpacked(assets.cache, real.image(assets.cache, tag)) / "root/bin/k3s"
    return Programs(assets.kubernetes(), assets.kine(), program, assets.tools(tests=False), version)


def prepared(progress: Progress) -> None:
    """Install what only the whole run needs: the library that lies about the time."""
    packages.ensure(progress, {str(FAKETIME): "libfaketime"})
