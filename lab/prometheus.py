"""Prometheus and promtool, as Debian packages them, and the kinds of the Prometheus operator.

The package is unpacked and not installed: installed, it would start a Prometheus of its own.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from lab import versions
from lab.cache import Cache, digest
from lab.errors import LabError
from lab.progress import Task
from lab.run import output, run

if TYPE_CHECKING:
    from lab.assets import Assets

PROGRAMS = ("prometheus", "promtool")
PACKAGE = "prometheus"
OPERATOR = "github.com/prometheus-operator/prometheus-operator"
KINDS = ("prometheusrules", "servicemonitors")


def programs(cache: Cache) -> dict[str, Path]:
    """Return where the programs are, by name: the machine's own, if it has them."""
    found = {name: Path(path) for name in PROGRAMS if (path := shutil.which(name))}
    if len(found) == len(PROGRAMS):
        return found
    entry = cache.entry("prometheus", digest(PACKAGE), "fetching Prometheus", _unpack)
    return {name: entry / "usr" / "bin" / name for name in PROGRAMS}


def _unpack(target: Path, task: Task) -> None:
    if shutil.which("apt-get") is None:
        raise LabError(f"no {' and '.join(PROGRAMS)} on PATH: install Prometheus")
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    fetch = ["apt-get", "download", PACKAGE]
    try:
        run(fetch, cwd=target, env=env, on_line=task.note)
    except LabError:  # package lists that are missing or out of date
        if os.geteuid() != 0:
            raise
        run(["apt-get", "update"], env=env, on_line=task.note)
        run(fetch, cwd=target, env=env, on_line=task.note)
    for package in target.glob("*.deb"):
        run(["dpkg-deb", "-x", package, target], on_line=task.note)
        package.unlink()


def definitions() -> list[Path]:
    """Return the files with the CustomResourceDefinitions, out of the operator's module."""
    module = f"{OPERATOR}@{versions.PROMETHEUS_OPERATOR}"
    told = output(["go", "mod", "download", "-json", module])
    directory = Path(json.loads(told)["Dir"]) / "example" / "prometheus-operator-crd"
    return [directory / f"monitoring.coreos.com_{kind}.yaml" for kind in KINDS]


def render(_assets: Assets) -> str:
    """Return the definitions, for a host that is to have these kinds."""
    return "\n---\n".join(path.read_text() for path in definitions())
