"""traefik as the ingress controller of a host cluster."""

from __future__ import annotations

from lab import images, versions
from lab.buildah import Recipe
from lab.cache import Cache
from lab.gobuild import MODULES, Program

TAG = f"traefik:{versions.TRAEFIK}"
PROGRAM = Program(
    name="traefik",
    version=versions.TRAEFIK,
    directory=MODULES / "traefik",
    packages=("github.com/traefik/traefik/v3/cmd/traefik",),
    ldflags=f"-s -w -X github.com/traefik/traefik/v3/pkg/version.Version={versions.TRAEFIK}",
    sources=("ext/*", "httpauth/*", "lego/**/*"),
)


def recipes(cache: Cache) -> list[Recipe]:
    """Return its image."""
    return [images.static(cache, TAG, PROGRAM, "traefik")]
