"""What the run needs built; all of it is what labs are made of, in the same cache."""

from __future__ import annotations

import sysconfig
from pathlib import Path
from typing import NamedTuple

from lab import gobuild, k3simages, packages
from lab.assets import Assets
from lab.progress import Progress
from lab.versions import DEFAULT_KUBERNETES

FAKETIME = Path(f"/usr/lib/{sysconfig.get_config_var('MULTIARCH')}/faketime/libfaketime.so.1")


class Programs(NamedTuple):
    """Where the programs are."""

    kubernetes: Path
    kine: Path
    k3s: Path
    """The stand-in itself, a file."""
    tools: Path
    k3s_version: str


def built(progress: Progress) -> Programs:
    """Return them, building what is missing."""
    assets = Assets(progress, DEFAULT_KUBERNETES)
    front = gobuild.build(assets.cache, gobuild.K3S_FRONT)
    version = k3simages.tag(DEFAULT_KUBERNETES).partition(":")[2].replace("-", "+")
    return Programs(
        assets.kubernetes(), assets.kine(), front / "k3s", assets.tools(tests=False), version
    )


def prepared(progress: Progress) -> None:
    """Install what only the whole run needs: the library that lies about the time."""
    packages.ensure(progress, {str(FAKETIME): "libfaketime"})
