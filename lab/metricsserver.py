"""metrics-server as the metrics API of a host cluster."""

from __future__ import annotations

from lab import images, versions
from lab.buildah import Recipe
from lab.cache import Cache
from lab.gobuild import MODULES, Program

TAG = f"metrics-server:{versions.METRICS_SERVER}"
PROGRAM = Program(
    name="metrics-server",
    version=versions.METRICS_SERVER,
    directory=MODULES / "metrics-server",
    packages=("sigs.k8s.io/metrics-server/cmd/metrics-server",),
    ldflags="-s -w -X sigs.k8s.io/metrics-server/pkg/version.gitVersion=" + versions.METRICS_SERVER,
)


def recipes(cache: Cache) -> list[Recipe]:
    """Return its image."""
    return [images.static(cache, TAG, PROGRAM, "metrics-server")]
